// Input my_plugin: finds a machine with too much work.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

type config struct {
	MaxLoad int `json:"my_plugin_max_load"`
}

var defaults = config{MaxLoad: 4} // as in manifest.toml

type finding struct {
	Resource    string  `json:"resource"`
	Message     string  `json:"message"`
	Load        float64 `json:"load"`
	Threshold   int     `json:"threshold"`
	Severity    string  `json:"severity"`
	Remediation string  `json:"remediation"`
}

// findings tells what is wrong with the load in the text of /proc/loadavg.
func findings(text string, maxLoad int) ([]finding, error) {
	var one, load float64
	if _, err := fmt.Sscan(text, &one, &load); err != nil {
		return nil, fmt.Errorf("there is no load in this file: %w", err)
	}
	if load < float64(maxLoad) {
		return []finding{}, nil
	}
	return []finding{{
		Resource:    "load",
		Message:     fmt.Sprintf("the load over 5 minutes is %v", load),
		Load:        load,
		Threshold:   maxLoad,
		Severity:    "medium",
		Remediation: "Find the busiest processes (`top`), or add processors.",
	}}, nil
}

// processFrom answers one Result; a load that cannot be read is an error, and not "nothing found".
func processFrom(proc string, call Caller) (any, error) {
	config := defaults
	if err := call.Config(&config); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(proc, "loadavg"))
	if err != nil {
		return nil, err
	}
	found, err := findings(string(text), config.MaxLoad)
	if err != nil {
		return nil, err
	}
	formatted := "not busy"
	if len(found) > 0 {
		formatted = found[0].Message
	}
	return []Result{{"host", "my_plugin", "machines with too much work", found, formatted}}, nil
}

func process(call Caller) (any, error) { return processFrom("/proc", call) }

func main() { Serve("my_plugin", map[string]Hook{"process": process}) }
