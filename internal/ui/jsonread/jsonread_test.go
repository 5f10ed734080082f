package jsonread_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"capsh/internal/ui/jsonread"
)

// plain is a value as encoding/json gives it, numbers as they are written.
func plain(v jsonread.Value) any {
	switch v.Kind {
	case jsonread.Null:
		return nil
	case jsonread.Bool:
		return v.Text == "true"
	case jsonread.Number:
		return json.Number(v.Text)
	case jsonread.String:
		return v.Text
	case jsonread.Array:
		list := []any{}
		for _, item := range v.Items {
			list = append(list, plain(item))
		}
		return list
	case jsonread.Object:
		m := map[string]any{}
		for _, item := range v.Items {
			m[item.Key] = plain(item)
		}
		if len(m) != len(v.Items) {
			panic("a name is there twice")
		}
		return m
	}
	panic("missing")
}

// judge compares with encoding/json.
func judge(t *testing.T, text []byte) {
	t.Helper()
	v, err := jsonread.Parse(text)
	if err != nil && strings.HasSuffix(err.Error(), " is there twice") {
		return // encoding/json lets that pass
	}
	var want any
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	wantErr := dec.Decode(&want)
	if !json.Valid(text) {
		wantErr = json.Unmarshal(text, new(any))
	}
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: %v, encoding/json: %v", text, err, wantErr)
	}
	if err == nil && !reflect.DeepEqual(plain(v), want) {
		t.Fatalf("%q: %#v, encoding/json: %#v", text, plain(v), want)
	}
}

var texts = []string{
	`null`, ` true `, `false`, `""`, `"a"`, `[]`, `{}`, `[1,2]`, `{"a":1,"b":[{}]}`, `{"a":1,"a":2}`, `[{"a":1},{"a":{"a":2}}]`,
	`-0`, `0`, `01`, `1.`, `.5`, `1e5`, `1E+5`, `1e`, `-`, `1.5e-7`, `+1`,
	`"\u0041\n\t\"\\\/\b\f\r"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ud83dx"`, `"\ude00"`, `"\ud83d\u0041"`, `"\u12"`, `"\x"`,
	"\"\xff\"", "\"\x01\"", `"`, `[`, `[1`, `[1,`, `[1,]`, `{`, `{"a"`, `{"a":`, `{"a":1,}`, `{a:1}`, `{1:1}`,
	``, ` `, `nul`, `nulll`, `1 2`, `[1 2]`, "\ufeff1", `"a`, `"\`, `"\u`,
}

func TestParse(t *testing.T) {
	for _, text := range texts {
		judge(t, []byte(text))
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if strings.Count(string(text), "[")+strings.Count(string(text), "{") < 900 { // the limits of depth differ
			judge(t, text)
		}
	})
}

func TestDepth(t *testing.T) {
	if _, err := jsonread.Parse([]byte(strings.Repeat("[", 1e6))); err == nil {
		t.Error("no error for a million brackets")
	}
}

func TestGet(t *testing.T) {
	v, err := jsonread.Parse([]byte(`{"a":{"b":["x","y"],"c":[1]},"a2":"z"}`))
	if err != nil {
		t.Fatal(err)
	}
	if list, ok := v.Get("a", "b").Strings(); !ok || strings.Join(list, " ") != "x y" {
		t.Errorf("a.b: %q, %v", list, ok)
	}
	for _, path := range [][]string{{"a", "c"}, {"a", "b", "c"}, {"x"}, {"a2"}} {
		if list, ok := v.Get(path...).Strings(); ok {
			t.Errorf("%v: %q", path, list)
		}
	}
	if v.Get("a2").Text != "z" || v.Get("x", "y").Kind != jsonread.Missing {
		t.Error("a2, x.y")
	}
}

func TestError(t *testing.T) {
	if _, err := jsonread.Parse([]byte("{\n\"a\": x\n}")); err == nil || err.Error() != "line 2: not JSON" {
		t.Error(err)
	}
}

// TestTwice: an object with a name twice is refused; others may have it too.
func TestTwice(t *testing.T) {
	for text, want := range map[string]string{
		"{\"a\":1,\n\"\\u0061\":2}":              `line 2: the name "a" is there twice`,
		`[{"x":{"b":1,"c":2,"b":1}}]`:            `line 1: the name "b" is there twice`,
		`[{"a":1},{"a":{"a":2},"b":[{"a":{}}]}]`: "",
	} {
		got := ""
		if _, err := jsonread.Parse([]byte(text)); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
