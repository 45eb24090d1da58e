// Provider my_plugin: gathers how busy this machine is.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

type config struct {
	Memory bool `json:"my_plugin_memory"`
}

var defaults = config{Memory: true} // as in manifest.toml

// load reads the load over 1, 5 and 15 minutes off the text of /proc/loadavg.
func load(text string) (map[string]any, error) {
	var one, five, fifteen float64
	_, err := fmt.Sscan(text, &one, &five, &fifteen)
	return map[string]any{"one": one, "five": five, "fifteen": fifteen}, err
}

// memory reads total and available KiB off the text of /proc/meminfo.
func memory(text string) (map[string]any, error) {
	found := map[string]any{}
	names := map[string]string{"MemTotal": "total_kib", "MemAvailable": "available_kib"}
	for _, line := range strings.Split(text, "\n") {
		name, rest, _ := strings.Cut(line, ":")
		var kib int64
		if key, wanted := names[name]; wanted {
			if _, err := fmt.Sscan(rest, &kib); err != nil {
				return nil, err
			}
			found[key] = kib
		}
	}
	if len(found) < len(names) {
		return nil, errors.New("there is no memory in this file")
	}
	return found, nil
}

// gatherFrom answers the data; what cannot be read is a gap, never an empty value.
func gatherFrom(proc string, call Caller) (any, error) {
	config := defaults
	if err := call.Config(&config); err != nil {
		return nil, err
	}
	sections := map[string]func(string) (map[string]any, error){"load": load}
	files := map[string]string{"load": "loadavg", "memory": "meminfo"}
	if config.Memory {
		sections["memory"] = memory
	}
	details, names := map[string]any{}, []string{}
	for section, read := range sections {
		file := filepath.Join(proc, files[section])
		text, err := os.ReadFile(file)
		var unreadable *fs.PathError
		if errors.As(err, &unreadable) {
			if err := call.Gap(file, unreadable.Err.Error(), section); err != nil {
				return nil, err
			}
			continue
		}
		if details[section], err = read(string(text)); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		names = append(names, section)
	}
	sort.Strings(names)
	return Result{"host", "my_plugin", "how busy this machine is", details, "gathered: " + strings.Join(names, ", ")}, nil
}

func gatherData(call Caller) (any, error) { return gatherFrom("/proc", call) }

func main() { Serve("my_plugin", map[string]Hook{"gather_data": gatherData}) }
