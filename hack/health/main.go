// What Flux and Argo CD make of an object: kstatus as Flux, Helm and kubectl use it, and a health script in the interpreter of Argo CD.
//
// Reads one JSON document {"lua": "...", "objects": [...]} from stdin, writes one line {"kstatus", "health", "message"} an object. With
// {"returns": true} a line is the table that the script returns, as JSON: what an action of Argo CD makes of the object.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

type request struct {
	Lua     string           `json:"lua"`
	Objects []map[string]any `json:"objects"`
	Returns bool             `json:"returns"`
}

type verdict struct {
	Kstatus string `json:"kstatus"`
	Health  string `json:"health"`
	Message string `json:"message"`
}

func main() {
	var asked request
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		fail(err)
	}
	for _, object := range asked.Objects {
		var said any
		var err error
		if asked.Returns {
			said, err = returned(object, asked.Lua)
		} else {
			said, err = judge(object, asked.Lua)
		}
		if err != nil {
			fail(err)
		}
		if err := json.NewEncoder(os.Stdout).Encode(said); err != nil {
			fail(err)
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func judge(object map[string]any, script string) (verdict, error) {
	result, err := status.Compute(&unstructured.Unstructured{Object: whole(object).(map[string]any)})
	if err != nil {
		return verdict{}, err
	}
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	health, err := tableOf(state, object, script)
	if err != nil {
		return verdict{}, err
	}
	return verdict{string(result.Status), health.RawGetString("status").String(), health.RawGetString("message").String()}, nil
}

func returned(object map[string]any, script string) (any, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	table, err := tableOf(state, object, script)
	if err != nil {
		return nil, err
	}
	return plain(table), nil
}

// As Argo CD does: only these libraries, the object as global `obj`, a table as result.
func tableOf(state *lua.LState, object map[string]any, script string) (*lua.LTable, error) {
	for name, open := range map[string]lua.LGFunction{lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable, lua.StringLibName: lua.OpenString} {
		state.Push(state.NewFunction(open))
		state.Push(lua.LString(name))
		state.Call(1, 0)
	}
	state.SetGlobal("obj", value(state, object))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return nil, fmt.Errorf("the script returned %s, no table", state.Get(-1).Type())
	}
	return table, nil
}

// A table of Lua as JSON has it: one with a first item is a list.
func plain(in lua.LValue) any {
	switch typed := in.(type) {
	case *lua.LTable:
		if typed.Len() > 0 {
			out := make([]any, 0, typed.Len())
			typed.ForEach(func(_, item lua.LValue) { out = append(out, plain(item)) })
			return out
		}
		out := map[string]any{}
		typed.ForEach(func(key, item lua.LValue) { out[key.String()] = plain(item) })
		return out
	case lua.LString:
		return string(typed)
	case lua.LNumber:
		return float64(typed)
	case lua.LBool:
		return bool(typed)
	}
	return nil
}

// Unstructured objects hold int64 where JSON was read as float64.
func whole(in any) any {
	switch typed := in.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, item := range typed {
			out[key] = whole(item)
		}
		return out
	case []any:
		out := make([]any, len(typed))
		for at, item := range typed {
			out[at] = whole(item)
		}
		return out
	case float64:
		if typed == float64(int64(typed)) {
			return int64(typed)
		}
	}
	return in
}

func value(state *lua.LState, in any) lua.LValue {
	switch typed := in.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, item := range typed {
			table.RawSetString(key, value(state, item))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, item := range typed {
			table.Append(value(state, item))
		}
		return table
	case string:
		return lua.LString(typed)
	case float64:
		return lua.LNumber(typed)
	case bool:
		return lua.LBool(typed)
	}
	return lua.LNil
}
