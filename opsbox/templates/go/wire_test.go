package main

import "encoding/json"

// fake is a call without a host: it holds parameters and configuration, and keeps what the hook says.
type fake struct {
	params, config string
	answer         string
	gaps, said     []string
	asked          []string
}

func (fake *fake) Params(into any) error { return json.Unmarshal([]byte(fake.params), into) }

func (fake *fake) Config(into any) error { return json.Unmarshal([]byte(fake.config), into) }

func (fake *fake) Gap(what, why, section string) error {
	fake.gaps = append(fake.gaps, section)
	return nil
}

func (fake *fake) Progress(done, total int, unit string) error { return nil }

func (fake *fake) Output(text string) { fake.said = append(fake.said, text) }

func (fake *fake) CallHook(plugin, hook string, params any) (json.RawMessage, error) {
	fake.asked = append(fake.asked, plugin+" "+hook)
	return json.RawMessage(fake.answer), nil
}
