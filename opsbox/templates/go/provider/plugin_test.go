package main

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func procWith(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func gather(t *testing.T, proc, config string) (map[string]any, []string) {
	t.Helper()
	call := &fake{config: config}
	answer, err := gatherFrom(proc, call)
	if err != nil {
		t.Fatal(err)
	}
	return answer.(Result).Details.(map[string]any), call.gaps
}

const loadavg = "0.52 1.04 2.08 1/234 5678\n"

func TestLoadAndMemoryAreGathered(t *testing.T) {
	meminfo := "MemTotal:       16000 kB\nMemFree:         100 kB\nMemAvailable:    4000 kB\n"
	details, gaps := gather(t, procWith(t, map[string]string{"loadavg": loadavg, "meminfo": meminfo}), "{}")
	wanted := map[string]any{
		"load":   map[string]any{"one": 0.52, "five": 1.04, "fifteen": 2.08},
		"memory": map[string]any{"total_kib": int64(16000), "available_kib": int64(4000)},
	}
	if !reflect.DeepEqual(details, wanted) || gaps != nil {
		t.Fatal(details, gaps)
	}
}

func TestWhatCannotBeReadIsAGapAndNotInTheData(t *testing.T) {
	details, gaps := gather(t, procWith(t, map[string]string{"loadavg": loadavg}), "{}")
	if len(details) != 1 || details["load"] == nil || !reflect.DeepEqual(gaps, []string{"memory"}) {
		t.Fatal(details, gaps)
	}
}

func TestMemoryCanBeLeftOut(t *testing.T) {
	details, gaps := gather(t, procWith(t, map[string]string{"loadavg": loadavg}), `{"my_plugin_memory":false}`)
	if len(details) != 1 || gaps != nil {
		t.Fatal(details, gaps)
	}
}
