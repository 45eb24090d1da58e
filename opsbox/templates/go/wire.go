// Speaks the Opsbox protocol, version 1; what the plugin does is in plugin.go. Only the standard library.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

const (
	unknownMethod = -32601
	invalidParams = -32602
	noVersion     = -33001
	notReady      = -33002
	cancelled     = -33004
	hookFailed    = -33008
)

var allFeatures = []string{"progress", "gap", "output"}

// Failed is an error with a hint for the user, or with a code of the protocol; 0 is that of a hook that failed.
type Failed struct {
	Code    int
	Message string
	Hint    string
}

func (failed *Failed) Error() string { return failed.Message }

// Result is what plugins hand to each other.
type Result struct {
	RelatesTo         string `json:"relates_to"`
	ResultName        string `json:"result_name"`
	ResultDescription string `json:"result_description"`
	Details           any    `json:"details"`
	Formatted         string `json:"formatted"`
}

// Hook does the work of a call; what it returns becomes JSON, and a json.RawMessage stays as it is.
type Hook func(call Caller) (any, error)

// Caller is what a hook gets: its parameters, its configuration, and what it may say meanwhile.
type Caller interface {
	// Params reads the parameters into a struct.
	Params(into any) error
	// Config reads the fields that somebody set into a struct that holds the defaults.
	Config(into any) error
	// Gap reports that something could not be looked at; return its error, which a host without gaps needs.
	Gap(what, why, section string) error
	// Progress tells how far the work is; return its error, which says that the call was cancelled.
	Progress(done, total int, unit string) error
	// Output prints for the user; only outputs do that.
	Output(text string)
	// CallHook calls a hook of another plugin through the host; only handlers may.
	CallHook(plugin, hook string, params any) (json.RawMessage, error)
}

type message struct {
	Jsonrpc string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  *string         `json:"method"`
	Params  json.RawMessage `json:"params"`
	Result  json.RawMessage `json:"result"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error"`
}

type plugin struct {
	name     string
	hooks    map[string]Hook
	config   json.RawMessage
	features map[string]bool
	asked    int
	writing  sync.Mutex
	out      io.Writer
	answers  chan message
	stopping sync.Map // ids of calls that the host has cancelled
}

// Serve answers the host over standard input and output until the host closes them.
func Serve(name string, hooks map[string]Hook) {
	in, out, err := takeStdio()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot take over standard input and output:", err)
		os.Exit(1)
	}
	plugin := &plugin{name: name, hooks: hooks, out: out, answers: make(chan message, 64)}
	plugin.serve(in)
}

func (plugin *plugin) serve(in io.Reader) {
	requests := make(chan message, 64)
	go func() {
		plugin.read(in, requests)
		close(requests)
		close(plugin.answers)
		// The host is gone: what still runs has a second.
		time.Sleep(time.Second)
		os.Exit(1)
	}()
	for request := range requests {
		result, err := plugin.answer(request)
		var text []byte
		if err == nil {
			text, err = toJSON(result)
		}
		if err == nil {
			plugin.send(`"id":%s,"result":%s`, request.ID, text)
		} else {
			plugin.send(`"id":%s,"error":%s`, request.ID, errorBody(err))
		}
		plugin.stopping.Delete(string(request.ID))
	}
}

// read sorts lines: requests go to the loop, answers to who waits, cancellations are noted at once.
func (plugin *plugin) read(in io.Reader, requests chan<- message) {
	reader := bufio.NewReaderSize(in, 1<<16)
	for {
		line, err := reader.ReadBytes('\n')
		line = bytes.Trim(bytes.TrimPrefix(line, []byte("\uFEFF")), " \t\r\n")
		var got message
		if json.Unmarshal(line, &got) == nil && got.Jsonrpc == "2.0" {
			switch {
			case got.Method != nil && isID(got.ID):
				requests <- got
			case got.Method != nil && *got.Method == "$/cancel":
				var params struct {
					ID json.RawMessage `json:"id"`
				}
				if json.Unmarshal(got.Params, &params) == nil {
					plugin.stopping.Store(string(params.ID), true)
				}
			case got.Method == nil && isID(got.ID) && len(plugin.answers) < cap(plugin.answers):
				plugin.answers <- got
			}
		}
		if err != nil {
			return
		}
	}
}

func isID(id json.RawMessage) bool {
	return len(id) > 0 && (id[0] == '"' || id[0] >= '0' && id[0] <= '9' && !bytes.ContainsAny(id, ".eE"))
}

func (plugin *plugin) send(format string, parts ...any) {
	plugin.writing.Lock()
	defer plugin.writing.Unlock()
	fmt.Fprintf(plugin.out, `{"jsonrpc":"2.0",`+format+"}\n", parts...)
}

func (plugin *plugin) notify(method string, params any) {
	if text, err := toJSON(params); err == nil {
		plugin.send(`"method":%q,"params":%s`, method, text)
	}
}

func (plugin *plugin) answer(request message) (any, error) {
	params := bytes.TrimSpace(request.Params)
	if len(params) > 0 && params[0] != '{' {
		return nil, &Failed{Code: invalidParams, Message: "`params` is no object"}
	}
	switch method := *request.Method; method {
	case "initialize":
		return plugin.initialize(params)
	case "shutdown":
		return struct{}{}, nil
	case "set_data":
		var given struct {
			Config json.RawMessage `json:"config"`
		}
		if err := json.Unmarshal(params, &given); err != nil || len(given.Config) == 0 {
			return nil, &Failed{Code: invalidParams, Message: "`config` is missing"}
		}
		plugin.config = given.Config
		return struct{}{}, nil
	default:
		hook, known := plugin.hooks[method]
		if !known {
			return nil, &Failed{Code: unknownMethod, Message: "unknown method"}
		}
		if plugin.config == nil {
			return nil, &Failed{Code: notReady, Message: "`" + method + "` came before `set_data`"}
		}
		return hook(&call{plugin: plugin, id: request.ID, params: params})
	}
}

func (plugin *plugin) initialize(params json.RawMessage) (any, error) {
	var hello struct {
		Protocol struct{ Min int }
		Features []string
	}
	if err := json.Unmarshal(params, &hello); err != nil {
		return nil, &Failed{Code: invalidParams, Message: err.Error()}
	}
	if hello.Protocol.Min > 1 {
		return nil, &Failed{Code: noVersion, Message: "this plugin speaks version 1 of the protocol"}
	}
	plugin.features = map[string]bool{}
	for _, feature := range hello.Features {
		plugin.features[feature] = true
	}
	hooks := []string{"set_data"}
	for hook := range plugin.hooks {
		hooks = append(hooks, hook)
	}
	who := map[string]string{"name": plugin.name, "version": "0.1.0"}
	return map[string]any{"protocol": 1, "plugin": who, "hooks": hooks, "features": allFeatures, "cancel": "cooperative"}, nil
}

type call struct {
	plugin *plugin
	id     json.RawMessage
	params json.RawMessage
}

func (call *call) Params(into any) error { return json.Unmarshal(call.params, into) }
func (call *call) Config(into any) error { return json.Unmarshal(call.plugin.config, into) }

func (call *call) Gap(what, why, section string) error {
	if !call.plugin.features["gap"] {
		return fmt.Errorf("cannot look at %s: %s", what, why)
	}
	params := map[string]any{"id": call.id, "what": what, "why": why}
	if section != "" {
		params["section"] = section
	}
	call.plugin.notify("gap", params)
	return nil
}

func (call *call) Progress(done, total int, unit string) error {
	if _, stop := call.plugin.stopping.Load(string(call.id)); stop {
		return &Failed{Code: cancelled, Message: "cancelled"}
	}
	if call.plugin.features["progress"] {
		call.plugin.notify("progress", map[string]any{"id": call.id, "done": done, "total": total, "unit": unit})
	}
	return nil
}

func (call *call) Output(text string) {
	if call.plugin.features["output"] {
		call.plugin.notify("output", map[string]any{"text": text})
	} else {
		call.plugin.notify("log", map[string]any{"message": text})
	}
}

func (call *call) CallHook(plugin, hook string, params any) (json.RawMessage, error) {
	call.plugin.asked++
	id := fmt.Sprintf(`"p%d"`, call.plugin.asked)
	asked, err := toJSON(map[string]any{"id": call.id, "plugin": plugin, "hook": hook, "params": params})
	if err != nil {
		return nil, err
	}
	call.plugin.send(`"id":%s,"method":"host/call_hook","params":%s`, id, asked)
	for answer := range call.plugin.answers {
		if string(answer.ID) != id {
			continue
		}
		if answer.Error != nil {
			return nil, errors.New(answer.Error.Message)
		}
		return answer.Result, nil
	}
	return nil, &Failed{Code: cancelled, Message: "the host is gone"}
}

func errorBody(err error) []byte {
	body := map[string]any{"code": hookFailed, "message": err.Error()}
	var failed *Failed
	if errors.As(err, &failed) {
		if failed.Code != 0 {
			body["code"] = failed.Code
		}
		if failed.Hint != "" {
			body["data"] = map[string]string{"hint": failed.Hint}
		}
	}
	text, _ := toJSON(body)
	return text
}

// toJSON writes a value on one line; raw JSON, and lists of it, stay byte for byte.
func toJSON(value any) ([]byte, error) {
	switch value := value.(type) {
	case json.RawMessage:
		return value, nil
	case []json.RawMessage:
		parts := make([][]byte, len(value))
		for i, each := range value {
			parts[i] = each
		}
		return append(append([]byte{'['}, bytes.Join(parts, []byte{','})...), ']'), nil
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSpace(text.Bytes()), err
}
