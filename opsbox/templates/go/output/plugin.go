// Output my_plugin: writes all Results into one JSON file.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

type config struct {
	File string `json:"my_plugin_file"`
}

var defaults = config{File: "my_plugin.json"} // as in manifest.toml

// writeWhole writes a file under a temporary name and renames it, so that nobody sees half of it.
func writeWhole(file string, text []byte) error {
	temporary := fmt.Sprintf("%s.%d.tmp", file, os.Getpid())
	// A new file, never one that somebody has put there, or a link to it.
	made, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err == nil {
		_, err = made.Write(text)
		err = errors.Join(err, made.Close())
	}
	if err == nil {
		err = os.Rename(temporary, file)
	}
	if err != nil {
		os.Remove(temporary)
	}
	return err
}

// processResults delivers the Results; its error tells the run that they were not delivered.
func processResults(call Caller) (any, error) {
	config := defaults
	if err := call.Config(&config); err != nil {
		return nil, err
	}
	var params struct {
		Results []json.RawMessage `json:"results"`
	}
	if err := call.Params(&params); err != nil {
		return nil, err
	}
	text, err := toJSON(params.Results)
	if err != nil {
		return nil, err
	}
	if err := writeWhole(config.File, bytes.Join([][]byte{text, []byte("\n")}, nil)); err != nil {
		return nil, err
	}
	call.Output(fmt.Sprintf("results in %s: %d\n", config.File, len(params.Results)))
	return struct{}{}, nil
}

func main() { Serve("my_plugin", map[string]Hook{"process_results": processResults}) }
