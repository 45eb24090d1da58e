package main

import "testing"

func TestALoadBelowTheBoundIsClean(t *testing.T) {
	found, err := findings("9.00 3.99 9.00 1/234 5678\n", 4)
	if err != nil || len(found) != 0 {
		t.Fatal(found, err)
	}
}

func TestTheBoundItselfIsAFinding(t *testing.T) {
	found, err := findings("0.00 4.00 0.00 1/234 5678\n", 4)
	if err != nil || len(found) != 1 || found[0].Resource != "load" || found[0].Load != 4 {
		t.Fatal(found, err)
	}
}

func TestALoadThatCannotBeReadIsAnError(t *testing.T) {
	if answer, err := processFrom(t.TempDir(), &fake{config: "{}"}); err == nil {
		t.Fatal(answer)
	}
	if found, err := findings("", 4); err == nil {
		t.Fatal(found)
	}
}
