package main

import (
	"encoding/json"
	"strings"
	"testing"
)

const received = `{"result_name":"a","details":[{"bytes": 12345678901234567890,"text":"<&>"}],"x_mine":1.50}`

func work(t *testing.T, config string) string {
	t.Helper()
	answer, err := processInput(&fake{config: config, params: `{"input":[` + received + `]}`})
	if err != nil {
		t.Fatal(err)
	}
	text, err := toJSON(answer)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFindingsAreCountedByResult(t *testing.T) {
	var results []json.RawMessage
	for _, each := range []string{`"a","details":[{}]`, `"b","details":[]`, `"a","details":{"k":1}`, `"c","details":{}`} {
		results = append(results, json.RawMessage(`{"result_name":`+each+`}`))
	}
	summary, err := count(results)
	if err != nil || !strings.Contains(string(summary), `"findings":{"a":2,"b":0,"c":0}`) {
		t.Fatal(string(summary), err)
	}
}

func TestTheCountStandsFirstAndTheResultIsHandedOnAsItCame(t *testing.T) {
	if text := work(t, "{}"); !strings.HasSuffix(text, "},"+received+"]") {
		t.Fatal(text)
	}
}

func TestTheCountCanStandLast(t *testing.T) {
	if text := work(t, `{"my_plugin_first":false}`); !strings.HasPrefix(text, "["+received+",{") {
		t.Fatal(text)
	}
}
