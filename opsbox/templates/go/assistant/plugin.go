// Assistant my_plugin: puts first how many findings there are, and hands on everything else as it came.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

type config struct {
	First bool `json:"my_plugin_first"`
}

var defaults = config{First: true} // as in manifest.toml

// number tells how many findings there are in details.
func number(details json.RawMessage) int {
	var list []json.RawMessage
	if json.Unmarshal(details, &list) == nil {
		return len(list)
	}
	if bytes.Equal(bytes.TrimSpace(details), []byte("{}")) {
		return 0
	}
	return 1
}

// count makes a Result that says how many findings each Result has.
func count(results []json.RawMessage) (json.RawMessage, error) {
	found, lines := map[string]int{}, []string{}
	for _, each := range results {
		var result struct {
			Name    string          `json:"result_name"`
			Details json.RawMessage `json:"details"`
		}
		if err := json.Unmarshal(each, &result); err != nil {
			return nil, err
		}
		found[result.Name] += number(result.Details)
		lines = append(lines, fmt.Sprintf("%s: %d", result.Name, number(result.Details)))
	}
	if len(lines) == 0 {
		lines = []string{"no results"}
	}
	details := map[string]any{"findings": found}
	return toJSON(Result{"summary", "my_plugin", "how many findings there are", details, strings.Join(lines, "\n")})
}

// processInput answers the list that takes the place of the given one.
func processInput(call Caller) (any, error) {
	config := defaults
	if err := call.Config(&config); err != nil {
		return nil, err
	}
	var params struct {
		Input []json.RawMessage `json:"input"`
	}
	if err := call.Params(&params); err != nil {
		return nil, err
	}
	summary, err := count(params.Input)
	if err != nil {
		return nil, err
	}
	if config.First {
		return append([]json.RawMessage{summary}, params.Input...), nil
	}
	return append(params.Input, summary), nil
}

func main() { Serve("my_plugin", map[string]Hook{"process_input": processInput}) }
