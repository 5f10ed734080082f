package render

import (
	"strconv"

	"capsh/internal/caps"
	"capsh/internal/cred"
)

// Names tells what user and group ids are called; "" for one without a name.
type Names interface {
	User(uid uint32) string
	Group(gid uint32) string
}

// Print appends what libcap's capsh --print shows of a thread: twelve lines, to
// the byte. kernelBits is how many capabilities the kernel has. What is not
// known, which libcap's own process never meets, is called so.
func Print(b []byte, s *cred.State, kernelBits int, names Names) []byte {
	b = append(appendCurrent(b, s, kernelBits), "Bounding set ="...)
	kernel := caps.First(kernelBits)
	if b = (s.Bounding & kernel).AppendNames(b); kernelBits == 0 {
		b = append(b, " <unsupported>"...)
	}
	b = append(b, "\nAmbient set ="...)
	if b = s.Ambient.AppendNames(b); !s.AmbientSupported {
		b = append(b, " <unsupported>"...)
	}
	b = append(b, '\n')
	b = appendIAB(b, s, kernelBits)
	b = appendSecurebits(b, s)
	b = appendIDs(b, s, names)
	b = append(b, "Guessed mode: "...)
	if mode := cred.GuessMode(s, kernelBits); mode.OK {
		b = append(b, mode.Value.String()...)
		b = append(b, " ("...)
		b = strconv.AppendInt(b, int64(mode.Value), 10)
		return append(b, ")\n"...)
	}
	return append(b, "unknown\n"...)
}

// Current appends the two lines of libcap's capsh --current.
func Current(b []byte, s *cred.State, kernelBits int) []byte {
	return appendIAB(appendCurrent(b, s, kernelBits), s, kernelBits)
}

func appendCurrent(b []byte, s *cred.State, kernelBits int) []byte {
	b = append(b, "Current: "...)
	b = epi(s).AppendText(b, kernelBits)
	return append(b, '\n')
}

func epi(s *cred.State) caps.EPI {
	return caps.EPI{Effective: s.Effective, Permitted: s.Permitted, Inheritable: s.Inheritable}
}

func appendIAB(b []byte, s *cred.State, kernelBits int) []byte {
	b = append(b, "Current IAB: "...)
	b = iab(s, kernelBits).AppendText(b, kernelBits)
	return append(b, '\n')
}

func iab(s *cred.State, kernelBits int) caps.IAB {
	return caps.IAB{Inheritable: s.Inheritable, Ambient: s.Ambient, Dropped: caps.First(kernelBits) &^ s.Bounding}
}

func appendSecurebits(b []byte, s *cred.State) []byte {
	b = append(b, "Securebits: "...)
	bits := uint64(s.Securebits.Value)
	if s.Securebits.OK {
		binary := strconv.FormatUint(bits, 2)
		b = strconv.AppendUint(append(b, '0'), bits, 8)
		b = strconv.AppendUint(append(b, "/0x"...), bits, 16)
		b = strconv.AppendInt(append(b, '/'), int64(len(binary)), 10)
		b = append(append(b, "'b"...), binary...)
	} else {
		b = append(b, "unknown"...)
	}
	b = append(append(b, " (no-new-privs="...), bit(s.NoNewPrivs)...)
	b = append(b, ")\n"...)
	b = appendSecurebit(b, " secure-noroot: ", s, cred.NoRoot)
	b = appendSecurebit(b, " secure-no-suid-fixup: ", s, cred.NoSetuidFixup)
	b = appendSecurebit(b, " secure-keep-caps: ", s, cred.KeepCaps)
	if s.AmbientSupported {
		b = appendSecurebit(b, " secure-no-ambient-raise: ", s, cred.NoCapAmbientRaise)
	}
	return b
}

// appendSecurebit appends the line of one flag; the next bit is its lock.
func appendSecurebit(b []byte, label string, s *cred.State, flag cred.Securebits) []byte {
	b = append(b, label...)
	if !s.Securebits.OK {
		return append(b, "unknown\n"...)
	}
	value, lock := "no", "unlocked"
	if s.Securebits.Value.Has(flag) {
		value = "yes"
	}
	if s.Securebits.Value.Has(flag << 1) {
		lock = "locked"
	}
	b = append(append(b, value...), " ("...)
	return append(append(b, lock...), ")\n"...)
}

func appendIDs(b []byte, s *cred.State, names Names) []byte {
	b = appendID(append(b, "uid="...), s.UID.Real, names.User)
	b = appendID(append(b, " euid="...), s.UID.Effective, names.User)
	b = appendID(append(b, "\ngid="...), s.GID.Real, names.Group)
	b = append(b, "\ngroups="...)
	for i, gid := range s.Groups {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendID(b, gid, names.Group)
	}
	return append(b, '\n')
}

func appendID(b []byte, id uint32, name func(uint32) string) []byte {
	b = append(strconv.AppendUint(b, uint64(id), 10), '(')
	if n := name(id); n != "" {
		b = append(b, n...)
	} else {
		b = append(b, "???"...)
	}
	return append(b, ')')
}

func bit(v cred.Known[bool]) string {
	switch {
	case !v.OK:
		return "unknown"
	case v.Value:
		return "1"
	}
	return "0"
}

// Header appends the lines that stand before those of Print and Current for a
// process other than this one: which it is, the user namespace that its sets
// count in, and the threads that hold something else.
func Header(b []byte, p *cred.Process) []byte {
	b = append(Identity(b, p), "User namespace: "...)
	switch ns := p.UserNS.Inode; {
	case !ns.OK:
		b = append(b, "unknown"...)
	case p.UserNS.Initial().Value:
		b = append(strconv.AppendUint(b, ns.Value, 10), " (initial)"...)
	default:
		b = append(strconv.AppendUint(b, ns.Value, 10), " (not initial)"...)
	}
	return appendDiffering(append(b, '\n'), p)
}

// Identity appends the line that says which process or thread it is.
func Identity(b []byte, p *cred.Process) []byte {
	b = strconv.AppendInt(append(b, "Process: "...), int64(p.PID), 10)
	if p.TID != p.PID {
		b = strconv.AppendInt(append(b, '/'), int64(p.TID), 10)
	}
	b = AppendEscaped(append(b, " ("...), p.Name)
	b = append(b, ')')
	if p.Zombie() {
		b = append(b, " zombie"...)
	}
	return append(b, '\n')
}

// appendDiffering appends the ids of the threads that differ from p, if any; of
// a single thread there is nothing to say.
func appendDiffering(b []byte, p *cred.Process) []byte {
	const label = "Threads that differ:"
	switch {
	case p.TID != p.PID:
		return b
	case !p.ThreadsRead:
		return append(b, label+" unknown\n"...)
	case len(p.Differing) == 0:
		return b
	}
	b = append(b, label...)
	for i := range p.Differing {
		b = strconv.AppendInt(append(b, ' '), int64(p.Differing[i].TID), 10)
	}
	b = strconv.AppendInt(append(b, " ("...), int64(len(p.Differing)), 10)
	b = strconv.AppendInt(append(b, " of "...), int64(p.Threads), 10)
	return append(b, ")\n"...)
}
