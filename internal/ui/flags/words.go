package flags

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"capsh/internal/rules/catalog"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
)

// Kinds of which the values are words.

// OneOf is one of a few words, which are its word in --help too.
func OneOf(words ...string) Kind[string] { return Among(strings.Join(words, "|"), words...) }

// Among is one of a few words.
func Among(word string, words ...string) Kind[string] {
	return Kind[string]{
		Word: word,
		Parse: func(text string) (string, error) {
			if slices.Contains(words, text) {
				return text, nil
			}
			return "", fmt.Errorf("must be one of %s, not %q", strings.Join(words, ", "), text)
		},
		Complete: func(string) []string { return words },
	}
}

// Text is any text, "" too; words are those that have a meaning.
func Text(word string, words ...string) Kind[string] {
	k := Kind[string]{Word: word, Parse: asTyped}
	if len(words) > 0 {
		k.Complete = func(string) []string { return words }
	}
	return k
}

// asTyped is the Parse of a kind that takes any text.
func asTyped(text string) (string, error) { return text, nil }

// Some is a kind that refuses an empty text.
func Some(k Kind[string]) Kind[string] {
	parse := k.Parse
	k.Parse = func(text string) (string, error) {
		if text == "" {
			return "", errors.New("the value is empty")
		}
		return parse(text)
	}
	return k
}

// Format is text, json, or one of more forms.
func Format(more ...string) Kind[string] {
	words := append([]string{"text", "json"}, more...)
	if len(more) > 0 {
		return Among("FORMAT", words...)
	}
	return OneOf(words...)
}

// Seconds is a time in seconds, from a tenth on.
var Seconds = Kind[time.Duration]{
	Word: "SECONDS",
	Parse: func(text string) (time.Duration, error) {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || !(n >= 0.1 && n <= 86400) {
			return 0, fmt.Errorf("%q is not a number from 0.1 to 86400", text)
		}
		return time.Duration(n * float64(time.Second)), nil
	},
}

// Verdict is how well a container is isolated.
var Verdict = Kind[container.Verdict]{
	Word: "VERDICT",
	Parse: func(text string) (container.Verdict, error) {
		v, ok := container.ParseVerdict(text)
		if !ok {
			_, err := Among("", container.VerdictNames()...).Parse(text)
			return v, err
		}
		return v, nil
	},
	Complete: func(string) []string { return container.VerdictNames() },
}

// Container is the beginning of an id or name of a container, or a runtime.
var Container = Kind[string]{
	Word: "NAME",
	Parse: func(text string) (string, error) {
		if text == "" {
			return "", errors.New("needs the beginning of an id or name, or a runtime")
		}
		return text, nil
	},
	Complete: func(string) []string { return catalog.Runtimes() },
}

// Securebits is none, a number, or names with commas between.
var Securebits = Kind[cred.Securebits]{
	Word:     "BITS",
	Parse:    cred.ParseSecurebits,
	Complete: func(typed string) []string { return completeSecurebits(typed, 0) },
}

func completeSecurebits(typed string, without cred.Securebits) []string {
	const all = cred.SecurebitFlags | cred.SecurebitFlags<<1
	return Listed((all &^ without).Names(), typed, "none")
}

// ModeNames are libcap's modes.
func ModeNames() (list []string) {
	for _, m := range cred.Modes() {
		list = append(list, m.String())
	}
	return list
}
