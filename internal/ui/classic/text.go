package classic

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"capsh/internal/linux/self"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/report"
	"capsh/internal/ui/term"
)

// boundingBits is how many capabilities a bounding set can have.
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
	b = appendCurrent(b, s, k)
	b = appendSet(b, "Bounding", s.Bounding&caps.First(boundingBits(k)), k.Bounding)
	b = appendSet(b, "Ambient", s.Ambient, s.AmbientSupported)
	b = appendIAB(b, s, k)
	b = appendSecurebits(b, s)
	b = appendIDs(b, s, names)
	if mode := Mode(s, k); mode.OK {
		return fmt.Appendf(b, "Guessed mode: %s (%d)\n", mode.Value, mode.Value)
	}
	return append(b, "Guessed mode: unknown\n"...)
}

// Current appends the two lines of libcap's capsh --current.
func Current(b []byte, s *cred.State, k self.Kernel) []byte {
	return appendIAB(appendCurrent(b, s, k), s, k)
}

// Decoded appends a mask and the names of its bits, as libcap's capsh --decode.
func Decoded(b []byte, set caps.Set) []byte {
	return fmt.Appendf(b, "0x%s=%s\n", set.Mask(), set.AppendNames(nil))
}

// Mode is the libcap mode that a thread is in, as far as it is known.
func Mode(s *cred.State, k self.Kernel) cred.Known[cred.Mode] {
	return cred.GuessMode(s, boundingBits(k))
}

func appendCurrent(b []byte, s *cred.State, k self.Kernel) []byte {
	epi := caps.EPI{Effective: s.Effective, Permitted: s.Permitted, Inheritable: s.Inheritable}
	return append(epi.AppendText(append(b, "Current: "...), k.Bits), '\n')
}

func appendSet(b []byte, name string, set caps.Set, supported bool) []byte {
	b = set.AppendNames(fmt.Appendf(b, "%s set =", name))
	if !supported {
		b = append(b, " <unsupported>"...)
	}
	return append(b, '\n')
}

func appendIAB(b []byte, s *cred.State, k self.Kernel) []byte {
	dropped := caps.First(boundingBits(k)) &^ s.Bounding
	iab := caps.IAB{Inheritable: s.Inheritable, Ambient: s.Ambient, Dropped: dropped}
	return append(iab.AppendText(append(b, "Current IAB: "...), k.Bits), '\n')
}

func appendSecurebits(b []byte, s *cred.State) []byte {
	text := "unknown"
	if bits := uint32(s.Securebits.Value); s.Securebits.OK {
		binary := strconv.FormatUint(uint64(bits), 2)
		text = fmt.Sprintf("0%o/0x%x/%d'b%s", bits, bits, len(binary), binary)
	}
	b = fmt.Appendf(b, "Securebits: %s (no-new-privs=%s)\n", text, bit(s.NoNewPrivs))
	b = appendSecurebit(b, "secure-noroot", s, cred.NoRoot)
	b = appendSecurebit(b, "secure-no-suid-fixup", s, cred.NoSetuidFixup)
	b = appendSecurebit(b, "secure-keep-caps", s, cred.KeepCaps)
	if s.AmbientSupported {
		b = appendSecurebit(b, "secure-no-ambient-raise", s, cred.NoCapAmbientRaise)
	}
	return b
}

// appendSecurebit appends the line of one flag; the next bit is its lock.
func appendSecurebit(b []byte, name string, s *cred.State, flag cred.Securebits) []byte {
	if !s.Securebits.OK {
		return fmt.Appendf(b, " %s: unknown\n", name)
	}
	value, lock := "no", "unlocked"
	if s.Securebits.Value.Has(flag) {
		value = "yes"
	}
	if s.Securebits.Value.Has(flag << 1) {
		lock = "locked"
	}
	return fmt.Appendf(b, " %s: %s (%s)\n", name, value, lock)
}

func appendIDs(b []byte, s *cred.State, names report.Names) []byte {
	groups := make([]string, len(s.Groups))
	for i, gid := range s.Groups {
		groups[i] = idText(gid, names.Group)
	}
	if s.GroupsUnknown {
		groups = []string{"?"}
	}
	return fmt.Appendf(b, "uid=%s euid=%s\ngid=%s\ngroups=%s\n", idText(s.UID.Real, names.User),
		idText(s.UID.Effective, names.User), idText(s.GID.Real, names.Group), strings.Join(groups, ","))
}

// idText is "0(root)", "1234(???)" for an id without a name, "?" for an unknown one.
func idText(id uint32, name func(uint32) string) string {
	if id == cred.UnknownID {
		return "?"
	}
	return fmt.Sprintf("%d(%s)", id, cmp.Or(name(id), "???"))
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
// count in, and the threads that differ.
func Header(b []byte, p *cred.Process) []byte {
	b = append(Identity(b, p), "User namespace: "...)
	if ns := p.UserNS.Inode; ns.OK {
		b = fmt.Append(b, ns.Value)
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
	zombie := ""
	if p.Zombie() {
		zombie = " zombie"
	}
	return fmt.Appendf(b, "Process: %s (%s)%s\n", cred.ThreadID{PID: p.PID, TID: p.TID}, term.Escape(p.Name), zombie)
}

// appendDiffering appends the ids of the threads that differ from p, if any; for
// a single thread it appends nothing.
func appendDiffering(b []byte, p *cred.Process) []byte {
	switch {
	case p.TID != p.PID:
		return b
	case !p.ThreadsRead:
		return append(b, "Threads that differ: unknown\n"...)
	case len(p.Differing) == 0:
		return b
	}
	b = append(b, "Threads that differ:"...)
	for i := range p.Differing {
		b = fmt.Appendf(b, " %d", p.Differing[i].TID)
	}
	return fmt.Appendf(b, " (%d of %d)\n", len(p.Differing), p.Threads)
}
