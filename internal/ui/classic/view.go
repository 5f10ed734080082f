package classic

import (
	"errors"
	"strconv"
	"strings"

	"capsh/internal/linux/procfs"

	"capsh/internal/rules/cred"
)

// view is what the reporting actions speak of, and how: the options that hold
// for the whole command line wherever they stand.
type view struct {
	threads []cred.ThreadID
	proc    string // "" is this machine's /proc
	json    bool
}

// set takes one of the view's options; false if arg is none.
func (v *view) set(arg string) (bool, error) {
	name, value, hasValue := strings.Cut(arg, "=")
	switch {
	case arg == "--json":
		v.json = true
	case name == "--json":
		return true, errors.New("--json takes no value")
	case name == "--format" && hasValue:
		if value != "text" && value != "json" {
			return true, errors.New("--format is text or json, not " + quote(value))
		}
		v.json = value == "json"
	case name == "--proc" && hasValue:
		if value == "" {
			return true, errors.New("--proc needs a folder: --proc=/host/proc")
		}
		v.proc = value
	case name == "--pid" && hasValue:
		return true, v.addThreads(value)
	case arg == "--pid", arg == "--proc", arg == "--format":
		return true, errors.New(arg + " needs a value: " + arg + "=…")
	default:
		return false, nil
	}
	return true, nil
}

// addThreads reads PID or PID/TID, several with commas between.
func (v *view) addThreads(list string) error {
	for item := range strings.SplitSeq(list, ",") {
		t, err := cred.ParseThreadID(item)
		if err != nil {
			return errors.New("--pid: " + err.Error())
		}
		v.threads = append(v.threads, t)
	}
	return nil
}

// elsewhere is true where another process is spoken of, or another procfs.
func (v *view) elsewhere() bool { return len(v.threads) > 0 || v.proc != "" }

// root is the procfs to read.
func (v *view) root() procfs.Root {
	if v.proc != "" {
		return procfs.Root(v.proc)
	}
	return procfs.Proc
}

// quote puts a text from the command line into an error message: what a
// terminal would act on is escaped.
func quote(s string) string { return strconv.Quote(s) }
