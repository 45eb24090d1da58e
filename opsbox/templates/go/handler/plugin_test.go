package main

import (
	"reflect"
	"strings"
	"testing"
)

func handle(answer string) (any, *fake, error) {
	call := &fake{config: "{}", params: `{"plugin":{"name":"certificates"},"prior_results":[]}`, answer: answer}
	results, err := processPlugin(call)
	return results, call, err
}

func TestFindingsBecomeAResultOfThePlugin(t *testing.T) {
	results, call, err := handle(`[{"resource":"a"}]`)
	if err != nil || !reflect.DeepEqual(call.asked, []string{"certificates look"}) {
		t.Fatal(call.asked, err)
	}
	text, err := toJSON(results)
	wanted := `"result_name":"certificates","result_description":"what certificates found","details":[{"resource":"a"}]`
	if err != nil || !strings.Contains(string(text), wanted) {
		t.Fatal(string(text), err)
	}
}

func TestAnAnswerThatIsNoListIsAnErrorThatNamesThePlugin(t *testing.T) {
	if _, _, err := handle("{}"); err == nil || !strings.Contains(err.Error(), "certificates") {
		t.Fatal(err)
	}
}
