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

// Option is one entry of a table.
type Option struct {
	Group string // the heading that it is under
	Name  string // the long name, without dashes
	Short string // one letter, or none
	Help  string // what it does, for one line of --help
	Word  string // what stands for its value in --help; "" for a switch

	complete func(typed string) []string
	need     need
	once     bool
	set      func(text string) error
}

// String, Type and Set are those of [pflag.Value].
func (o *Option) String() string        { return "" }
func (o *Option) Type() string          { return o.Word }
func (o *Option) Set(text string) error { return o.set(text) }

// need says whether an option takes a value. An optional one must be attached:
// --name=value.
type need uint8

const (
	required need = iota
	optional
	none
)

// Switch adds an option without a value that turns something on. As in all of these
// functions, names are "-k, --keep" or "--keep".
func Switch(o *Options, names, help string, on *bool) {
	if added := o.add(names, help); added != nil {
		added.need, added.set = none, func(string) error { *on = true; return nil }
	}
}

// Do adds an option of which each value is handed to a function.
func Do[T any](o *Options, names, help string, kind Kind[T], do func(T) error) *Option {
	added := o.add(names, help)
	if added != nil {
		takes(added, kind, do)
	}
	return added
}

// takes has an option take values of a kind.
func takes[T any](o *Option, kind Kind[T], do func(T) error) {
	o.Word, o.complete = kind.Word, kind.Complete
	o.set = func(text string) error {
		v, err := kind.Parse(text)
		if err != nil {
			return err
		}
		return do(v)
	}
}

// To adds an option that sets a variable; of several values the last one counts.
func To[T any](o *Options, names, help string, to *T, kind Kind[T]) {
	Do(o, names, help, kind, func(v T) error { *to = v; return nil })
}

// Known is To for a variable that says whether it was set.
func Known[T any](o *Options, names, help string, to *cred.Known[T], kind Kind[T]) *Option {
	return Do(o, names, help, kind, func(v T) error { *to = cred.Is(v); return nil })
}

// Once is Known, but a second value is an error.
func Once[T any](o *Options, names, help string, to *cred.Known[T], kind Kind[T]) {
	Known(o, names, help, to, kind).Once()
}

// Once makes a second value an error.
func (o *Option) Once() {
	if o != nil { // it may be left out
		o.once = true
	}
}

// Formatted adds --format for text, json or one of more forms, and --json, which is
// short for that. Two that differ are an error: the reader of the output was promised
// both.
func Formatted(o *Options, help string, to *cred.Known[string], more ...string) {
	set := func(v string) error {
		if to.OK && to.Value != v {
			return fmt.Errorf("contradicts --format=%s", to.Value)
		}
		*to = cred.Is(v)
		return nil
	}
	if format := o.add("--format", help); format != nil {
		takes(format, Format(more...), set)
	}
	if json := o.add("--json", "the same as --format=json"); json != nil {
		json.need, json.set = none, func(string) error { return set("json") }
	}
}

// Append adds an option that adds to a list, in the order of the command line.
func Append[T any](o *Options, names, help string, to *[]T, kind Kind[T]) {
	Do(o, names, help, kind, func(v T) error { *to = append(*to, v); return nil })
}

// Optional is Do for a value that may be left out, which hands over the one that is
// given here.
func Optional[T any](o *Options, names, help string, absent T, kind Kind[T], do func(T) error) {
	added := Do(o, names, help, kind, do)
	if added == nil {
		return
	}
	withValue := added.set
	added.need = optional
	added.set = func(text string) error {
		if text == switched {
			return do(absent)
		}
		return withValue(text)
	}
}
