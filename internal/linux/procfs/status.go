package procfs

import (
	"bytes"
	"errors"
	"strconv"

	"capsh/internal/rules/cred"
)

// ParseStatus reads the text of a status file of procfs into p, whose other
// fields it leaves alone (fs/proc/array.c, proc_pid_status; proc_pid_status(5)).
// It is pure. The text must be whole, as one read gives it.
//
// What an older kernel does not print is unknown: NoNewPrivs before 4.10,
// Seccomp before 3.8 or without the feature, Kthread before 6.4; without a
// CapAmb line (before 4.3) AmbientSupported is false. So are the ids and groups
// that gVisor leaves out. A line that every kernel
// prints and this text lacks, a malformed line and one that is there twice are
// errors that name it: no set is ever empty because it could not be read.
func ParseStatus(text []byte, p *cred.Process) error {
	s := status{p: p}
	p.NoNewPrivs, p.Seccomp, p.KernelThread = cred.Known[bool]{}, cred.Known[cred.Seccomp]{}, cred.Known[bool]{}
	p.AmbientSupported, p.Ambient, p.NSPID = false, 0, nil
	p.UID, p.GID, p.Groups, p.GroupsUnknown = cred.Same(cred.UnknownID), cred.Same(cred.UnknownID), nil, true
	for len(text) > 0 {
		end := bytes.IndexByte(text, '\n')
		if end < 0 {
			return statusError("ends in the middle of line ", text)
		}
		line := text[:end]
		text = text[end+1:]
		colon := bytes.IndexByte(line, ':')
		if colon < 0 {
			return statusError("has no name in line ", line)
		}
		if f, ok := lookup(line[:colon]); ok {
			if err := s.take(f, line[:colon], line[colon+1:]); err != nil {
				return err
			}
		}
	}
	return s.finish()
}

// field is a line that is looked at.
type field uint8

const (
	fName field = iota
	fState
	fTgid
	fPid
	fPPid
	fThreads
	fCapInh
	fCapPrm
	fCapEff
	fCapBnd
	// What stands above is in every status file.
	fNSpid
	fUid
	fGid
	fGroups
	fKthread
	fVmSize
	fCapAmb
	fNoNewPrivs
	fSeccomp

	nRequired = fNSpid
)

// requiredNames are in the order of the constants.
var requiredNames = [nRequired]string{
	"Name", "State", "Tgid", "Pid", "PPid", "Threads",
	"CapInh", "CapPrm", "CapEff", "CapBnd",
}

// lookup finds the field of a line's name; most lines say nothing of credentials.
func lookup(key []byte) (field, bool) {
	switch string(key) {
	case "Name":
		return fName, true
	case "State":
		return fState, true
	case "Tgid":
		return fTgid, true
	case "Pid":
		return fPid, true
	case "PPid":
		return fPPid, true
	case "Uid":
		return fUid, true
	case "Gid":
		return fGid, true
	case "Groups":
		return fGroups, true
	case "Threads":
		return fThreads, true
	case "CapInh":
		return fCapInh, true
	case "CapPrm":
		return fCapPrm, true
	case "CapEff":
		return fCapEff, true
	case "CapBnd":
		return fCapBnd, true
	case "NSpid":
		return fNSpid, true
	case "Kthread":
		return fKthread, true
	case "VmSize":
		return fVmSize, true
	case "CapAmb":
		return fCapAmb, true
	case "NoNewPrivs":
		return fNoNewPrivs, true
	case "Seccomp":
		return fSeccomp, true
	}
	return 0, false
}

// status is a status file while it is read.
type status struct {
	p    *cred.Process
	seen uint32 // bit f: line f was there
}

// take reads one line.
func (s *status) take(f field, key, value []byte) error {
	if s.seen>>f&1 != 0 {
		return statusError("has two lines ", key)
	}
	s.seen |= 1 << f
	// All of the kernel's lines have a tab there.
	if len(value) == 0 || value[0] != '\t' || !s.set(f, value[1:]) {
		return statusError("is malformed in line ", key)
	}
	return nil
}

// set reads the value of one field and reports whether it is well formed.
func (s *status) set(f field, v []byte) (ok bool) {
	p := s.p
	switch f {
	case fName:
		p.Name = unescape(v)
		return true
	case fState:
		// "R (running)"; gVisor and others may leave the word out.
		if len(v) == 0 || v[0] < 'A' || v[0] > 'z' || len(v) > 1 && v[1] != ' ' {
			return false
		}
		p.RunState = v[0]
		return true
	case fTgid:
		p.PID, ok = parseInt(v)
	case fPid:
		p.TID, ok = parseInt(v)
	case fPPid:
		p.PPID, ok = parseInt(v)
	case fThreads:
		p.Threads, ok = parseInt(v)
	case fNSpid:
		p.NSPID, ok = parseInts(v)
	case fUid:
		p.UID, ok = parseIDs(v)
	case fGid:
		p.GID, ok = parseIDs(v)
	case fGroups:
		p.Groups, ok = parseGroups(v)
		p.GroupsUnknown = !ok
	case fCapInh:
		p.Inheritable, ok = parseSet(v)
	case fCapPrm:
		p.Permitted, ok = parseSet(v)
	case fCapEff:
		p.Effective, ok = parseSet(v)
	case fCapBnd:
		p.Bounding, ok = parseSet(v)
	case fCapAmb:
		p.Ambient, ok = parseSet(v)
		p.AmbientSupported = ok
	case fKthread:
		p.KernelThread, ok = parseBool(v)
	case fNoNewPrivs:
		p.NoNewPrivs, ok = parseBool(v)
	case fSeccomp:
		ok = len(v) == 1 && v[0] >= '0' && v[0] <= '0'+byte(cred.SeccompFilter)
		if ok {
			p.Seccomp = cred.Is(cred.Seccomp(v[0] - '0'))
		}
	case fVmSize:
		// Only its being there counts.
		ok = true
	}
	return ok
}

// finish checks that nothing is missing.
func (s *status) finish() error {
	for f := range nRequired {
		if s.seen>>f&1 == 0 {
			return errors.New("has no line " + requiredNames[f])
		}
	}
	// A kernel thread has no memory to show (get_task_mm gives none).
	if !s.p.KernelThread.OK && s.seen>>fVmSize&1 != 0 {
		s.p.KernelThread = cred.Is(false)
	}
	return nil
}

// unescape undoes what the kernel does to a comm: newline is \n, backslash is
// \\ (proc_task_name). Any other backslash stands for itself.
func unescape(v []byte) string {
	if bytes.IndexByte(v, '\\') < 0 {
		return string(v)
	}
	b := make([]byte, 0, len(v))
	for i := 0; i < len(v); i++ {
		c := v[i]
		if c == '\\' && i+1 < len(v) && (v[i+1] == 'n' || v[i+1] == '\\') {
			i++
			if c = v[i]; c == 'n' {
				c = '\n'
			}
		}
		b = append(b, c)
	}
	return string(b)
}

// statusError quotes what it names: it may be any process's bytes.
func statusError(what string, name []byte) error {
	return errors.New(what + strconv.Quote(string(name[:min(len(name), 40)])))
}
