package cred

import (
	"encoding/json"
	"testing"
)

// TestKnownJSON: a value comes back from JSON as it was, and unknown is not zero.
func TestKnownJSON(t *testing.T) {
	for text, want := range map[string]Known[bool]{"null": {}, "false": Is(false), "true": Is(true)} {
		got, err := json.Marshal(want)
		if err != nil || string(got) != text {
			t.Errorf("%+v is written as %q, %v", want, got, err)
		}
		back := Is(true)
		if err := json.Unmarshal(got, &back); err != nil || back != want {
			t.Errorf("%q is read as %+v, %v", got, back, err)
		}
	}
	var wrong Known[bool]
	if err := json.Unmarshal([]byte("1"), &wrong); err == nil {
		t.Error("a number was read as a bool")
	}
}
