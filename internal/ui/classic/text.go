package classic

import (
	"strconv"

	"capsh/internal/linux/self"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/report"
	"capsh/internal/ui/term"
)

// boundingBits is how many capabilities a bounding set can hold.
func boundingBits(k self.Kernel) int {
	if k.Bounding {
		return k.Bits
	}
	return 0
}

// Print appends what libcap's capsh --print shows of a thread: twelve lines, to
// the byte. What is not known, which libcap's own process never meets, is called
// so.
func Print(b []byte, s *cred.State, k self.Kernel, names report.Names) []byte {
	b = append(appendCurrent(b, s, k), "Bounding set ="...)
	if b = (s.Bounding & caps.First(boundingBits(k))).AppendNames(b); !k.Bounding {
		b = append(b, " <unsupported>"...)
	}
	b = append(b, "\nAmbient set ="...)
	if b = s.Ambient.AppendNames(b); !s.AmbientSupported {
		b = append(b, " <unsupported>"...)
	}
	b = append(b, '\n')
	b = appendIAB(b, s, k)
	b = appendSecurebits(b, s)
	b = appendIDs(b, s, names)
	b = append(b, "Guessed mode: "...)
	if mode := Mode(s, k); mode.OK {
		b = append(b, mode.Value.String()...)
		b = append(b, " ("...)
		b = strconv.AppendInt(b, int64(mode.Value), 10)
		return append(b, ")\n"...)
	}
	return append(b, "unknown\n"...)
}

// Current appends the two lines of libcap's capsh --current.
func Current(b []byte, s *cred.State, k self.Kernel) []byte {
	return appendIAB(appendCurrent(b, s, k), s, k)
}

// Mode is the libcap mode that a thread is in, as far as it is known.
func Mode(s *cred.State, k self.Kernel) cred.Known[cred.Mode] {
	return cred.GuessMode(s, boundingBits(k))
}

func appendCurrent(b []byte, s *cred.State, k self.Kernel) []byte {
	b = append(b, "Current: "...)
	epi := caps.EPI{Effective: s.Effective, Permitted: s.Permitted, Inheritable: s.Inheritable}
	return append(epi.AppendText(b, k.Bits), '\n')
}

func appendIAB(b []byte, s *cred.State, k self.Kernel) []byte {
	b = append(b, "Current IAB: "...)
	dropped := caps.First(boundingBits(k)) &^ s.Bounding
	iab := caps.IAB{Inheritable: s.Inheritable, Ambient: s.Ambient, Dropped: dropped}
	return append(iab.AppendText(b, k.Bits), '\n')
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

func appendIDs(b []byte, s *cred.State, names report.Names) []byte {
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
	if ns := p.UserNS.Inode; ns.OK {
		b = strconv.AppendUint(b, ns.Value, 10)
	} else {
		b = append(b, "unknown"...)
	}
	switch initial := p.UserNS.Initial(); {
	case initial.Value:
		b = append(b, " (initial)"...)
	case initial.OK:
		b = append(b, " (not initial)"...)
	}
	return appendDiffering(append(b, '\n'), p)
}

// Identity appends the line that says which process or thread it is.
func Identity(b []byte, p *cred.Process) []byte {
	b = strconv.AppendInt(append(b, "Process: "...), int64(p.PID), 10)
	if p.TID != p.PID {
		b = strconv.AppendInt(append(b, '/'), int64(p.TID), 10)
	}
	b = term.AppendEscaped(append(b, " ("...), p.Name)
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
