package classic

import (
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

func (s *session) setJSON(string) error { s.view.json = true; return nil }

func (s *session) setFormat(text string) error {
	word, err := format.Parse(text)
	s.view.json = word == "json"
	return err
}

func (s *session) setProc(text string) (err error) {
	s.view.proc, err = flags.Proc.Parse(text)
	return err
}

func (s *session) setPID(text string) error {
	list, err := flags.ParseThreads(text)
	for _, t := range list {
		s.view.threads = append(s.view.threads, t.ThreadID)
	}
	return err
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
