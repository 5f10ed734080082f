package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode"
)

// Read decodes one JSON value that another program or a person wrote. A name that
// stands twice in an object is refused, also in another case: readers differ in
// which they take. The error says the line, or the member and what it is not.
func Read(text []byte, v any) error {
	err := checkNames(text)
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: not JSON: %w", lineOf(text, syntax.Offset), err)
	case errors.As(err, &mismatch) && mismatch.Field == "":
		return fmt.Errorf("line %d: %s", lineOf(text, mismatch.Offset), isNo(mismatch.Type))
	case errors.As(err, &mismatch):
		return fmt.Errorf("%s %s", mismatch.Field, isNo(mismatch.Type))
	}
	return err
}

// isNo says what a value should have been.
func isNo(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "is neither true nor false"
	case reflect.String, reflect.Slice:
		return "is not an array of strings"
	case reflect.Int, reflect.Int64, reflect.Uint32, reflect.Uint64:
		return "is not a whole number in range"
	}
	return "is not an object"
}

// object is the names of an object that have been read, or an array.
type object struct {
	names map[string]bool // nil in an array
	// value says that the next token is the value of a name.
	value bool
}

// checkNames looks for a name that an object has twice. Whatever is not JSON is
// left to json.Unmarshal.
func checkNames(text []byte) error {
	if !json.Valid(text) {
		return nil
	}
	tokens := json.NewDecoder(bytes.NewReader(text))
	tokens.UseNumber()
	var open []object
	for {
		token, err := tokens.Token()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if token == json.Delim('}') || token == json.Delim(']') {
			open = open[:len(open)-1]
			continue
		}
		if n := len(open) - 1; n >= 0 && open[n].names != nil {
			name, _ := token.(string)
			if in := &open[n]; !in.value && in.names[fold(name)] {
				return fmt.Errorf("line %d: the name %q is there twice", lineOf(text, tokens.InputOffset()), name)
			} else if !in.value {
				in.names[fold(name)] = true
			}
			open[n].value = !open[n].value
		}
		switch token {
		case json.Delim('{'):
			open = append(open, object{names: map[string]bool{}})
		case json.Delim('['):
			open = append(open, object{})
		}
	}
}

// fold is the same for names that encoding/json takes for the same.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		for {
			next := unicode.SimpleFold(r)
			if next <= r {
				return next // the smallest: the cycle begins again
			}
			r = next
		}
	}, name)
}

// lineOf is the line, from 1, that the byte before offset is on.
func lineOf(text []byte, offset int64) int {
	return 1 + bytes.Count(text[:min(max(int(offset)-1, 0), len(text))], []byte("\n"))
}
