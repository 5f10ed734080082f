package schema

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	type document struct {
		Keep []string `json:"keep"`
		Host *struct{ Privileged *bool }
		UID  uint32
	}
	for _, test := range []struct{ name, text, err string }{
		{"plain", `{"keep": ["a"], "other": [1, {"keep": 2}]}`, ""},
		{"twice", "{\"keep\":[],\n\"\\u006beep\":[]}", `line 2: the name "keep" is there twice`},
		{"twice in another case", `{"keep":[],"KEEP":[]}`, `line 1: the name "KEEP" is there twice`},
		{"twice by a Kelvin sign", "{\"keep\":[],\"\u212aeep\":[]}", "line 1: the name \"\u212aeep\" is there twice"},
		{"twice far down", "{\n\"x\":[{\"b\":1,\"c\":2,\n\"b\":1}]}", `line 3: the name "b" is there twice`},
		{"value that is like a name", `{"a":"a","b":{"a":"b"}}`, ""},
		{"not JSON", "{\n\"keep\": x}", "line 2: not JSON"},
		{"more behind", `{} {}`, "line 1: not JSON"},
		{"nothing", ``, "line 1: not JSON"},
		{"too deep", strings.Repeat("[", 1e6), "line 1: not JSON"},
		{"no list", `{"keep": 5}`, "keep is not an array of strings"},
		{"no strings", `{"keep": ["a", 5]}`, "keep is not an array of strings"},
		{"no object", `{"Host": 5}`, "Host is not an object"},
		{"no boolean", `{"Host": {"Privileged": "true"}}`, "Host.Privileged is neither true nor false"},
		{"no number", `{"UID": "0"}`, "UID is not a whole number in range"},
		{"a number too large", `{"UID": 4294967296}`, "UID is not a whole number in range"},
		{"another document", `5`, "line 1: is not an object"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var d document
			err := Read([]byte(test.text), &d)
			if (err == nil) != (test.err == "") || err != nil && !strings.HasPrefix(err.Error(), test.err) {
				t.Errorf("%v, want %q", err, test.err)
			}
		})
	}
}

// FuzzRead: what is read is what encoding/json reads, but for names that are there
// twice; those are refused, and nothing else.
func FuzzRead(f *testing.F) {
	for _, text := range []string{`{"a":1,"A":2}`, `{"a":{"b":[]},"b":[{"a":1}]}`, `["a","a"]`, "{\"\xff\":1,\"\xfe\":2}", `{"a"`, `[1 2]`, `1 2`, ``} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var got, want any
		err := Read(text, &got)
		wantErr := json.Unmarshal(text, &want)
		if err != nil && strings.HasSuffix(err.Error(), " is there twice") {
			if wantErr != nil {
				t.Fatalf("%q: %v, encoding/json: %v", text, err, wantErr)
			}
			return
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: %v, encoding/json: %v", text, err, wantErr)
		}
	})
}
