package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

const results = `[{"result_name":"a","details":[{"bytes": 12345678901234567890}]},{"result_name":"b","details":[]}]`

func deliver(file string) (*fake, error) {
	call := &fake{config: fmt.Sprintf(`{"my_plugin_file":%q}`, file), params: `{"results":` + results + `}`}
	_, err := processResults(call)
	return call, err
}

func TestEveryResultIsInTheFile(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "all.json")
	call, err := deliver(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil || string(text) != results+"\n" {
		t.Fatal(string(text), err)
	}
	if len(call.said) != 1 || call.said[0] != "results in "+file+": 2\n" {
		t.Fatal(call.said)
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 1 {
		t.Fatal(left, err)
	}
}

func TestAFolderThatIsNotThereIsAnError(t *testing.T) {
	if _, err := deliver(filepath.Join(t.TempDir(), "gone", "all.json")); err == nil {
		t.Fatal("delivered")
	}
}
