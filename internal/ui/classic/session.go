package classic

import (
	"errors"
	"os"
	"strconv"

	"capsh/internal/linux/bpfiter"
	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/linux/userdb"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/term"
)

// session is what the actions of one command line share.
type session struct {
	args0 string
	env   []string
	out   *term.Output
	view  view
	names userdb.DB

	quiet      bool           // --quiet came: pass it on at ==
	strict     bool           // --strict: raise nothing by ourselves
	noEnv      bool           // --noenv came: --user leaves HOME and USER
	shell      *string        // what -- runs; nil is the default
	child      int            // the process of --forkfor; 0 is none
	kernelRead Kernel         // what kernel() has found; no bits before it is asked
	kernelErr  error          // why that is a guess
	others     []cred.Process // what --pid names, read once
}

// text gathers text as it is.
func (s *session) text(text string) { s.out.Buf = append(s.out.Buf, text...) }

func newSession(args, env []string, out *term.Output, v view) *session {
	return &session{args0: args[0], env: env, out: out, view: v}
}

// kernel is what prctl tells of the kernel, as libcap finds it; in another
// procfs what that says.
func (s *session) kernel() Kernel {
	k := &s.kernelRead
	if k.Bits > 0 {
		return *k
	}
	if k.Bits, s.kernelErr = self.CountBits(); s.kernelErr != nil {
		k.Bits = caps.Named
	}
	k.Bounding = s.kernelErr == nil
	if s.kernelErr == self.ErrNoBounding {
		s.kernelErr = nil
	}
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
	set := caps.First(s.kernel().Bits)
	return set, s.kernelErr
}

// beyondKernel refuses capabilities that the kernel does not have: it would
// leave them out without a word.
func (s *session) beyondKernel(option string, asked caps.Set) error {
	all, err := s.supported()
	if err != nil {
		return errors.New(option + ": " + err.Error())
	}
	if more := asked &^ all; more != 0 {
		return errors.New(option + ": this kernel has no capability " + more.String())
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
		s.text("WARNING: libcap needs an update (cap=" + highest.String() + " should have a name).\n")
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

// subjects are the processes that the line speaks of: those of --pid, or this
// one as it is now.
func (s *session) subjects() ([]subject, error) {
	if !s.view.elsewhere() {
		p, err := s.self()
		return []subject{{&p, true}}, err
	}
	if s.others == nil {
		if err := s.readOthers(); err != nil {
			return nil, err
		}
	}
	list := make([]subject, len(s.others))
	for i := range s.others {
		list[i] = subject{&s.others[i], false}
	}
	return list, nil
}

// subjectsInFull are the subjects with their securebits, as far as they can be had:
// those of others cost more than all else.
func (s *session) subjectsInFull() ([]subject, error) {
	list, err := s.subjects()
	for _, p := range list {
		if !p.own && !p.Securebits.OK {
			bpfiter.Securebits(s.view.root(), p.Process)
		}
	}
	return list, err
}

// self is this process as it is now. Text speaks of its credentials only.
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
// that the kernel does not tell of is no matter there.
func ownState() (cred.State, error) {
	state, err := self.State()
	if err == self.ErrNoBounding {
		err = nil
	}
	return state, err
}

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
	for _, t := range threads {
		p, err := root.Process(t.PID, t.TID, procfs.Options{Threads: t.TID == t.PID, UserNS: true, Label: s.view.json})
		if err != nil {
			return err
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
	return nil
}

// each asks a question of every subject and stops at the first "no".
func (s *session) each(ask func(p subject) error) error {
	list, err := s.subjects()
	if err != nil {
		return err
	}
	for _, p := range list {
		if err := ask(p); err != nil {
			return err
		}
	}
	return nil
}

// The toggles that later actions look at.

func (s *session) setQuiet(string) error     { s.quiet = true; return nil }
func (s *session) toggleStrict(string) error { s.strict = !s.strict; return nil }
func (s *session) setNoEnv(string) error     { s.noEnv = true; return nil }

func (s *session) setShell(path string) error {
	s.shell = &path
	return nil
}

// parseID reads a user or group id as libcap does, strtoul(3) with base 0, but
// one that does not fit is an error instead of another id.
func parseID(option, text string) (uint32, error) {
	n, err := caps.ParseUint(text, 32)
	if err != nil {
		return 0, errors.New(option + ": " + err.Error())
	}
	return uint32(n), nil
}

// parseCap reads the capability that an option asks about.
func parseCap(option, text string) (caps.Cap, error) {
	c, err := caps.ParseName(text)
	if err != nil {
		return 0, errors.New(option + ": " + err.Error())
	}
	return c, nil
}

func itoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
