// Package option reads the options of a command line as getopt_long(3) does,
// but for abbreviations: --name=value, --name value, -x value, -xvalue and
// clusters of short options, up to "--" or the first word that is none. It is
// pure.
package option

import (
	"errors"
	"iter"
	"strconv"
	"strings"

	"capsh/internal/rules/suggest"
)

// Value says whether an option takes a value.
type Value uint8

// An optional value must be attached: --name=value.
const (
	None Value = iota
	Required
	Optional
)

// Option is one that a command has. Do is whatever the command hangs on it.
type Option[T any] struct {
	Long  string // without the dashes
	Short byte   // 0 for none
	Value Value
	Do    T
}

// Given is an option of the table that stands on a command line.
type Given[T any] struct {
	Do T
	Word
}

// Word is an option as it was typed.
type Word struct {
	// Long is its long name without the dashes; Name is as typed, "--user" or
	// "-u".
	Long, Name string
	// Text is the value; HasText tells an empty one from none.
	Text    string
	HasText bool
}

// Parse reads args from left to right by the options of table. rest is what
// follows the options, without a "--" between. The error names the word that is
// wrong.
func Parse[T any](table []Option[T], args []string) (list []Given[T], rest []string, err error) {
	list = make([]Given[T], 0, len(args))
	for len(args) > 0 && isOption(args[0]) {
		if args[0] == "--" {
			return list, args[1:], nil
		}
		if list, args, err = next(table, list, args); err != nil {
			return nil, nil, err
		}
	}
	return list, args, nil
}

// ParseMixed is Parse for a command whose operands may stand between its
// options; behind a "--" all are operands.
func ParseMixed[T any](table []Option[T], args []string) (list []Given[T], operands []string, err error) {
	for len(args) > 0 {
		switch {
		case args[0] == "--":
			return list, append(operands, args[1:]...), nil
		case !isOption(args[0]):
			operands, args = append(operands, args[0]), args[1:]
			continue
		}
		if list, args, err = next(table, list, args); err != nil {
			return nil, nil, err
		}
	}
	return list, operands, nil
}

func isOption(word string) bool { return len(word) > 1 && word[0] == '-' }

// next reads the options that args begins with a word of, and takes them off.
func next[T any](table []Option[T], list []Given[T], args []string) ([]Given[T], []string, error) {
	if args[0][1] == '-' {
		return long(table, list, args)
	}
	return short(table, list, args)
}

// long reads the option that args begins with and takes it off.
func long[T any](table []Option[T], list []Given[T], args []string) ([]Given[T], []string, error) {
	name, text, hasText := strings.Cut(args[0][2:], "=")
	o := find(table, func(o *Option[T]) bool { return o.Long == name && name != "" })
	typed := "--" + name
	switch {
	case o == nil:
		return nil, nil, unknown(table, typed)
	case o.Value == None && hasText:
		return nil, nil, errors.New(typed + " takes no value")
	case o.Value == Required && !hasText && len(args) == 1:
		return nil, nil, errors.New(typed + " needs a value")
	case o.Value == Required && !hasText:
		return append(list, o.given(typed, args[1], true)), args[2:], nil
	}
	return append(list, o.given(typed, text, hasText)), args[1:], nil
}

// short reads the cluster of short options that args begins with and takes it
// off.
func short[T any](table []Option[T], list []Given[T], args []string) ([]Given[T], []string, error) {
	cluster := args[0][1:]
	args = args[1:]
	for i := range len(cluster) {
		letter, text := cluster[i], cluster[i+1:]
		o := find(table, func(o *Option[T]) bool { return o.Short == letter && letter != 0 })
		typed := "-" + string(rune(letter))
		switch {
		case o == nil:
			return nil, nil, errors.New("unknown option " + strconv.Quote("-"+cluster[i:i+1]))
		case o.Value != Required:
			list = append(list, o.given(typed, "", false))
			continue
		case text != "":
			return append(list, o.given(typed, text, true)), args, nil
		case len(args) == 0:
			return nil, nil, errors.New(typed + " needs a value")
		}
		return append(list, o.given(typed, args[0], true)), args[1:], nil
	}
	return list, args, nil
}

func (o *Option[T]) given(name, text string, hasText bool) Given[T] {
	return Given[T]{o.Do, Word{o.Long, name, text, hasText}}
}

func find[T any](table []Option[T], match func(*Option[T]) bool) *Option[T] {
	for i := range table {
		if match(&table[i]) {
			return &table[i]
		}
	}
	return nil
}

// unknown is the error for a long option that is not in the table.
func unknown[T any](table []Option[T], typed string) error {
	text := "unknown option " + strconv.Quote(typed)
	if near := suggest.Nearest(typed, names(table)); near != "" {
		text += ", did you mean " + near + "?"
	}
	return errors.New(text)
}

func names[T any](table []Option[T]) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range table {
			if table[i].Long != "" && !yield("--"+table[i].Long) {
				return
			}
		}
	}
}
