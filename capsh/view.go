package main

import (
	"capsh/internal/linux/procfs"
	"errors"
	"strconv"
	"strings"
)

// view is what the reporting actions speak of, and how: the options that hold
// for the whole command line wherever they stand.
type view struct {
	threads []thread
	proc    string // "" is this machine's /proc
	json    bool
}

// thread names a process, or one of its threads.
type thread struct{ pid, tid int }

// String is as it is typed: PID or PID/TID.
func (t thread) String() string {
	if t.tid == t.pid {
		return strconv.Itoa(t.pid)
	}
	return strconv.Itoa(t.pid) + "/" + strconv.Itoa(t.tid)
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
		t, err := parseThread(item)
		if err != nil {
			return errors.New("--pid: " + err.Error())
		}
		v.threads = append(v.threads, t)
	}
	return nil
}

// parseThread reads PID or PID/TID.
func parseThread(text string) (t thread, err error) {
	pid, tid, hasTID := strings.Cut(text, "/")
	if t.pid, err = parsePID(pid); err != nil {
		return t, err
	}
	if t.tid = t.pid; hasTID {
		t.tid, err = parsePID(tid)
	}
	return t, err
}

// parsePID reads a process or thread id: 1 to 2147483647, plain decimal.
func parsePID(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n == 0 || text[0] == '0' {
		return 0, errors.New(quote(text) + " is not a process id")
	}
	return int(n), nil
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
