package report

import (
	"strconv"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
)

// Holding is the short form of what a thread holds, for one line among many:
// names without cap_, those that are held alike together and an "=" with how
// behind them ("net_raw=p"), but nothing behind what is held effective and
// permitted, as most is. The letters are libcap's e, p and i, and a for ambient.
// "full" is all that the kernel has; "docker-default" is that set, and so on;
// "none" is nothing.

// holding is what one set of letters is held with, and how many of its names
// are left out.
type holding struct {
	set     caps.Set
	letters string
	hidden  int
}

// AppendHolding appends the short form. all is what the kernel has. first are
// named before others. Where width is more than 0, names are left out until the
// text fits ("chown,kill+12"), as far as it can.
func AppendHolding(b []byte, s *cred.Sets, all, first caps.Set, width int) []byte {
	list := holdings(s)
	if len(list) == 0 {
		return append(b, "none"...)
	}
	start := len(b)
	for {
		b = b[:start]
		for i := range list {
			if i > 0 {
				b = append(b, ' ')
			}
			b = list[i].append(b, all, first)
		}
		if width <= 0 || len(b)-start <= width || !hideOne(list, all) {
			return b
		}
	}
}

// holdings divides what is held by how; what is effective and permitted comes
// first.
func holdings(s *cred.Sets) (list []holding) {
	const ways = 16
	for how := range ways {
		how ^= ways - 1 // 15 is e, p, i and a
		set := ^caps.Set(0)
		letters := make([]byte, 0, 5)
		for i, held := range [...]caps.Set{s.Effective, s.Permitted, s.Inheritable, s.Ambient} {
			if how>>(3-i)&1 != 0 {
				set &= held
				letters = append(letters, "epia"[i])
			} else {
				set &^= held
			}
		}
		if set != 0 && how != 0 {
			list = append(list, holding{set: set, letters: string(letters)})
		}
	}
	return list
}

func (h *holding) append(b []byte, all, first caps.Set) []byte {
	if word := h.word(all); word != "" {
		b = append(b, word...)
	} else if missing := all &^ h.set; h.allBut(all) {
		b = appendShort(append(b, "all but "...), missing, 0, missing.Len())
	} else {
		b = appendShort(b, h.set, first, h.set.Len()-h.hidden)
		if h.hidden > 0 {
			b = strconv.AppendInt(append(b, '+'), int64(h.hidden), 10)
		}
	}
	if h.letters != "ep" {
		b = append(append(b, '='), h.letters...)
	}
	return b
}

// word is what a whole set is called; "" if it has no name.
func (h *holding) word(all caps.Set) string {
	switch h.set {
	case all:
		return "full"
	case catalog.DockerDefault:
		return "docker-default"
	}
	if podman, _ := catalog.Default(catalog.Podman); h.set == podman {
		return "podman-default"
	}
	return ""
}

// allBut says that what is missing is told sooner than what is there.
func (h *holding) allBut(all caps.Set) bool {
	const few = 3
	return all.Contains(h.set) && (all&^h.set).Len() <= few && h.set.Len() > 2*few
}

// hideOne leaves out one more name, where the most are shown; false if no name
// can be left out.
func hideOne(list []holding, all caps.Set) bool {
	var longest *holding
	most := 0
	for i := range list {
		h := &list[i]
		if shown := h.set.Len() - h.hidden; h.word(all) == "" && !h.allBut(all) && shown > most {
			longest, most = h, shown
		}
	}
	if longest == nil {
		return false
	}
	longest.hidden++
	return true
}

// appendShort appends n names, first those of first, with commas between.
func appendShort(b []byte, set, first caps.Set, n int) []byte {
	start := len(b)
	for _, part := range [...]caps.Set{set & first, set &^ first} {
		for c := range part.All() {
			if n--; n < 0 {
				return b
			}
			if len(b) > start {
				b = append(b, ',')
			}
			b = append(b, c.Short()...)
		}
	}
	return b
}

// appendMarks appends four letters, or a dash for each that does not hold:
// something is ambient, an execve can give more (by the bounding set or, to root and
// by some files, the inheritable set, unless no_new_privs keeps it from that), the
// user namespace is not the reader's, no_new_privs is set. What is not known is "?".
func appendMarks(b []byte, p *Listed) []byte {
	mark := func(letter byte, v cred.Known[bool]) {
		switch {
		case !v.OK:
			letter = '?'
		case !v.Value:
			letter = '-'
		}
		b = append(b, letter)
	}
	mark('a', cred.Is(p.Ambient != 0))
	mark('b', canGain(&p.State))
	mark('u', p.Foreign)
	mark('n', p.NoNewPrivs)
	return b
}

// canGain reports whether an execve of the right file can add to the permitted set.
func canGain(s *cred.State) cred.Known[bool] {
	more, nnp := execve.Gain(&s.Sets) != 0, s.NoNewPrivs
	return cred.Known[bool]{Value: more && !nnp.Value, OK: nnp.OK || !more}
}
