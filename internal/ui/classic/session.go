package classic

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"capsh/internal/linux/bpfiter"
	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/linux/userdb"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/flags"
	"capsh/internal/ui/term"
)

// session is what the actions of one command line share.
type session struct {
	args0 string
	env   []string
	out   *term.Output
	view  view
	names userdb.DB

	// table is the options as --help=all lists them. They cannot name what lists
	// them.
	table func(name string) *flags.Table

	quiet      bool           // --quiet came: pass it on at ==
	strict     bool           // --strict: raise nothing by ourselves
	noEnv      bool           // --noenv came: --user leaves HOME and USER
	shell      *string        // what -- runs; nil is the default
	child      int            // the process of --forkfor; 0 is none
	kernelRead self.Kernel    // what kernel() has found; no bits before it is asked
	kernelErr  error          // why that is a guess
	others     []cred.Process // what --pid names, read once
	othersErr  error          // why some of them are not there
}

// text gathers text as it is.
func (s *session) text(text string) { s.out.Buf = append(s.out.Buf, text...) }

func newSession(args, env []string, out *term.Output) *session {
	return &session{args0: args[0], env: env, out: out, table: helpTable}
}

// kernel is what prctl says that the kernel has, as libcap finds it; in another
// procfs what that says.
func (s *session) kernel() self.Kernel {
	k := &s.kernelRead
	if k.Bits > 0 {
		return *k
	}
	*k, s.kernelErr = self.ReadKernel()
	if s.view.proc != "" {
		if last := s.view.root().LastCap(); last.OK {
			k.Bits = int(last.Value) + 1
		}
	}
	k.Bounding = k.Bounding || s.view.elsewhere()
	return *k
}

// supported is all that the kernel has, for what acts on it.
func (s *session) supported() (caps.Set, error) {
	set := s.kernel().All()
	return set, s.kernelErr
}

// beyondKernel refuses capabilities that the kernel does not have: it would
// leave them out without a word.
func (s *session) beyondKernel(option string, asked caps.Set) error {
	all, err := s.supported()
	if err != nil {
		return fmt.Errorf("%s: %w", option, err)
	}
	if more := asked &^ all; more != 0 {
		return fmt.Errorf("%s: this kernel has no capability %s", option, more)
	}
	return nil
}

// warnOfUnnamed says what libcap says at start where the kernel has more
// capabilities than there are names.
func (s *session) warnOfUnnamed() {
	if s.view.json {
		return
	}
	if highest := caps.Cap(s.kernel().Bits - 1); int(highest) >= caps.Named && highest < caps.MaxBits {
		s.out.Printf("WARNING: libcap needs an update (cap=%s should have a name).\n", highest)
	}
}

// subject is a process that a question is about.
type subject struct {
	*cred.Process
	own bool // this very thread
}

// about is how errors name a subject: "" for this process.
func (p subject) about() string {
	if p.own {
		return ""
	}
	return "process " + cred.ThreadID{PID: p.PID, TID: p.TID}.String() + ": "
}

// subjects are the processes that the line is about: those of --pid, or this
// one as it is now. They are all that could be read; the error is about the rest.
func (s *session) subjects() ([]subject, error) {
	if !s.view.elsewhere() {
		p, err := s.self()
		return []subject{{&p, true}}, err
	}
	if s.others == nil && s.othersErr == nil {
		s.othersErr = s.readOthers()
	}
	list := make([]subject, len(s.others))
	for i := range s.others {
		list[i] = subject{&s.others[i], false}
	}
	return list, s.othersErr
}

// subjectsInFull are the subjects with their securebits, where these are available:
// reading those of other processes costs more than all else.
func (s *session) subjectsInFull() ([]subject, error) {
	list, err := s.subjects()
	for _, p := range list {
		if !p.own && !p.Securebits.OK {
			bpfiter.Securebits(s.view.root(), p.Process)
		}
	}
	return list, err
}

// self is this process as it is now. Text shows its credentials only.
func (s *session) self() (p cred.Process, err error) {
	if s.view.json {
		return self.Process(procfs.Options{UserNS: true, Label: true})
	}
	p.PID = os.Getpid()
	p.TID = p.PID
	p.State, err = self.State()
	return p, err
}

// ownState is this process as it is now, for what changes it. A bounding set
// that the kernel does not report makes no difference there.
func ownState() (cred.State, error) {
	state, err := self.State()
	if err == self.ErrNoBounding {
		err = nil
	}
	return state, err
}

// readOthers reads all processes that can be read; the error names the others.
func (s *session) readOthers() error {
	root := s.view.root()
	threads := s.view.threads
	pid, err := root.Self()
	own := cred.ThreadID{PID: pid, TID: pid}
	if len(threads) == 0 { // --proc alone
		if err != nil {
			return err
		}
		threads = []cred.ThreadID{own}
	}
	var missing []string
	for _, t := range threads {
		p, err := root.Process(t.PID, t.TID, procfs.Options{Threads: t.TID == t.PID, UserNS: true, Label: s.view.json})
		if err != nil {
			missing = append(missing, err.Error())
			continue
		}
		if s.view.proc == "" && t == own {
			state, err := self.State()
			if err != nil {
				return err
			}
			p.Securebits = state.Securebits
		}
		s.others = append(s.others, p)
	}
	if missing != nil {
		return errors.New(strings.Join(missing, "; "))
	}
	return nil
}

// each asks a question of every subject and stops at the first "no". One that
// could not be read is none.
func (s *session) each(ask func(p subject) error) error {
	list, unread := s.subjects()
	for _, p := range list {
		if err := ask(p); err != nil {
			return err
		}
	}
	return unread
}

// The toggles that later actions look at.

func (s *session) setQuiet(string) error     { s.quiet = true; return nil }
func (s *session) toggleStrict(string) error { s.strict = !s.strict; return nil }
func (s *session) setNoEnv(string) error     { s.noEnv = true; return nil }

func (s *session) setShell(path string) error {
	s.shell = &path
	return nil
}

// parseNumber reads a number of 32 bits as libcap does, strtoul(3) with base 0, but one
// that does not fit is an error instead of another number.
func parseNumber(option, text string) (uint32, error) {
	n, err := caps.ParseUint(text, 32)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", option, err)
	}
	return uint32(n), nil
}

// withNumber hands the number that is an option's value to what changes something.
func withNumber(option, text string, change func(uint32) error) error {
	n, err := parseNumber(option, text)
	if err != nil {
		return err
	}
	return change(n)
}
