// Handler my_plugin: runs plugins of the type my_plugin_type, whose hook `look` answers findings.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// processPlugin answers the Results of the plugin that the host names.
func processPlugin(call Caller) (any, error) {
	var params struct {
		Plugin struct {
			Name string `json:"name"`
		} `json:"plugin"`
	}
	if err := call.Params(&params); err != nil {
		return nil, err
	}
	name := params.Plugin.Name
	answer, err := call.CallHook(name, "look", struct{}{})
	if err != nil {
		return nil, err
	}
	var found []json.RawMessage
	if err := json.Unmarshal(answer, &found); err != nil || found == nil {
		return nil, fmt.Errorf("`look` of `%s` answered no list of findings", name)
	}
	return []Result{{"my_plugin", name, "what " + name + " found", answer, fmt.Sprintf("findings: %d", len(found))}}, nil
}

// look answers the findings of my_plugin_example, a plugin for this handler to run.
func look(call Caller) (any, error) {
	return []map[string]string{{"resource": "example", "message": "the handler has asked", "severity": "info"}}, nil
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "example" {
		Serve("my_plugin_example", map[string]Hook{"look": look})
		return
	}
	Serve("my_plugin", map[string]Hook{"process_plugin": processPlugin})
}
