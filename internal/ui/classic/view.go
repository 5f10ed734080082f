package classic

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/flags"
)

// view is which processes the reporting actions show, and in which form: the options
// that apply to the whole command line, wherever they stand.
type view struct {
	threads []cred.ThreadID
	proc    procfs.Root // "" is this host's /proc
	json    bool
}

// viewOption is one that applies to the whole line.
type viewOption struct {
	name  string
	value *value // nil for none
	set   func(v *view, text string) error
	help  string
}

var viewOptions = [...]viewOption{
	{"--json", nil, func(v *view, _ string) error { v.json = true; return nil }, "the same as --format=json"},
	{"--format", &value{format.Word, format.Complete}, func(v *view, text string) error {
		word, err := format.Parse(text)
		v.json = word == "json"
		return err
	}, "how to write it"},
	{"--proc", file, func(v *view, text string) (err error) {
		v.proc, err = flags.Proc.Parse(text)
		return err
	}, "another procfs: the host's, a saved copy"},
	{"--pid", &value{flags.Processes.Word, flags.CompletePIDs}, func(v *view, text string) error {
		list, err := flags.ParseThreads(text)
		for _, t := range list {
			v.threads = append(v.threads, t.ThreadID)
		}
		return err
	}, "show these processes, not this one"},
}

var format = flags.Format()

// set takes one of the view's options; false if arg is none.
func (v *view) set(arg string) (bool, error) {
	name, text, attached := strings.Cut(arg, "=")
	for _, o := range viewOptions {
		switch {
		case o.name != name:
			continue
		case o.value == nil && attached:
			return true, errors.New(name + " takes no value")
		case o.value != nil && !attached:
			return true, errors.New(name + " needs a value: " + name + "=…")
		}
		if err := o.set(v, text); err != nil {
			return true, fmt.Errorf("%s: %w", name, err)
		}
		return true, nil
	}
	return false, nil
}

// elsewhere is true where another process is spoken of, or another procfs.
func (v *view) elsewhere() bool { return len(v.threads) > 0 || v.proc != "" }

// root is the procfs to read.
func (v *view) root() procfs.Root {
	if v.proc != "" {
		return v.proc
	}
	return procfs.Proc
}

// quote puts a text from the command line into an error message: what a
// terminal would act on is escaped.
func quote(s string) string { return strconv.Quote(s) }
