package flags

import (
	"fmt"

	"capsh/internal/rules/cred"
)

// Kind is a kind of value.
type Kind[T any] struct {
	// Word stands for a value in --help: "LIST".
	Word string
	// Parse reads a value. Its error says what is wrong, without the option.
	Parse func(text string) (T, error)
	// Complete lists the values that may be meant by what is typed so far, those
	// that do not begin so too, and [Files]. It is nil where none is known, or for
	// FILE and DIR.
	Complete func(typed string) []string
}

// Value is what an option takes, and where that goes.
type Value struct {
	Word     string // what stands for it in --help; "" for a switch
	Complete func(typed string) []string
	need     need
	once     bool
	set      func(text string) error
}

// need says whether an option takes a value. An optional one must be attached:
// --name=value.
type need uint8

const (
	required need = iota
	optional
	none
)

// Switch is an option without a value that turns something on.
func Switch(on *bool) Value {
	return Value{need: none, set: func(string) error { *on = true; return nil }}
}

// Do hands each value to a function.
func Do[T any](kind Kind[T], do func(T) error) Value {
	return Value{Word: kind.Word, Complete: kind.Complete, set: func(text string) error {
		v, err := kind.Parse(text)
		if err != nil {
			return err
		}
		return do(v)
	}}
}

// To sets a variable; of several values the last one counts.
func To[T any](to *T, kind Kind[T]) Value {
	return Do(kind, func(v T) error { *to = v; return nil })
}

// Known is To for a variable that says whether it was set.
func Known[T any](to *cred.Known[T], kind Kind[T]) Value {
	return Do(kind, func(v T) error { *to = cred.Is(v); return nil })
}

// Once is Known, but a second value is an error.
func Once[T any](to *cred.Known[T], kind Kind[T]) Value { return Known(to, kind).Once() }

// Once makes a second value an error.
func (v Value) Once() Value {
	v.once = true
	return v
}

// Formatted are the values of --format and of --json, which is short for one of them.
// Two that differ are an error: the reader of the output was promised both.
func Formatted(to *cred.Known[string], kind Kind[string]) (format, json Value) {
	set := func(v string) error {
		if to.OK && to.Value != v {
			return fmt.Errorf("contradicts --format=%s", to.Value)
		}
		*to = cred.Is(v)
		return nil
	}
	return Do(kind, set), Value{need: none, set: func(string) error { return set("json") }}
}

// Append adds to a list, in the order of the command line.
func Append[T any](to *[]T, kind Kind[T]) Value {
	return Do(kind, func(v T) error { *to = append(*to, v); return nil })
}

// Optional lets the value be left out, which hands over the one that is given
// here.
func Optional[T any](absent T, kind Kind[T], do func(T) error) Value {
	v := Do(kind, do)
	withValue := v.set
	v.need = optional
	v.set = func(text string) error {
		if text == switched {
			return do(absent)
		}
		return withValue(text)
	}
	return v
}
