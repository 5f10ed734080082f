package classic

import (
	"strings"

	"capsh/internal/ui/flags"
)

// value is a kind of value that an option takes.
type value struct {
	word string // stands for it in --help=all
	// complete lists what may be meant by what is typed so far; nil where nothing is known.
	complete func(typed string) []string
}

// Of capabilities libcap's capsh takes whole names alone.
var (
	oneCap  = value{"CAP", func(string) []string { return flags.CapNames("cap_") }}
	capList = value{"LIST", func(typed string) []string { return flags.Listed(flags.CapNames("cap_"), typed, "all") }}
	mode    = value{"MODE", func(string) []string { return flags.ModeNames() }}
	zeroOne = value{"0|1", func(string) []string { return []string{"0", "1"} }}
	user    = value{"NAME", func(string) []string { return flags.UserNames() }}
	groups  = value{"LIST", func(typed string) []string { return flags.Listed(flags.GroupNames(), typed) }}
	all     = value{"all", func(string) []string { return []string{"all"} }}
	number  = value{"N", nil}
	text    = value{"TEXT", nil}
	file    = value{"PATH", func(string) []string { return []string{flags.Files} }}

	formatted = value{format.Word, format.Complete}
	processes = value{flags.Processes.Word, flags.CompletePIDs}
)

// format is what --format takes.
var format = flags.Format()

// Complete lists what the last word of a line can become.
func Complete(last string) (list []string) {
	name, _, attached := strings.Cut(last, "=")
	for _, o := range options {
		switch {
		case attached && o.name == name && o.value != nil:
			if o.value.complete == nil {
				return nil
			}
			return flags.Starting(last, flags.Prefixed(name+"=", o.value.complete(last[len(name)+1:])))
		case o.value != nil:
			list = append(list, o.name+"=")
		default:
			list = append(list, o.name)
		}
	}
	return flags.Starting(last, list)
}

// Described puts what it does behind each option of a list, after a tab.
func Described(list []string) []string { return helpTable("").Described(list) }
