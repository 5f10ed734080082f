package report

import (
	"fmt"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
)

// The short form of what a thread has, for one line among many: names without
// cap_, those that are had alike together and an "=" with how behind them
// ("net_raw=p"), but nothing behind what is effective and permitted, as most is. The
// letters are libcap's e, p and i, and a for ambient. "full" is all that the kernel
// has; "docker-default" is that set, and so on; "none" is nothing.

// alike is the capabilities that the same sets have, their letters, and how many of
// the names are left out.
type alike struct {
	set     caps.Set
	letters string
	hidden  int
}

// ShortSets is the short form. all is what the kernel has. first are named before
// others. Where width is more than 0, names are left out until the text fits
// ("chown,kill+12"), as far as it can.
func ShortSets(s *cred.Sets, all, first caps.Set, width int) string {
	list := groupAlike(s)
	if len(list) == 0 {
		return "none"
	}
	for {
		texts := make([]string, len(list))
		for i := range list {
			texts[i] = list[i].text(all, first)
		}
		text := strings.Join(texts, " ")
		if width <= 0 || len(text) <= width || !hideOne(list, all) {
			return text
		}
	}
}

// groupAlike groups capabilities by the sets that have them; what is effective and
// permitted comes first.
func groupAlike(s *cred.Sets) (list []alike) {
	const ways = 16
	for how := range ways {
		how ^= ways - 1 // 15 is e, p, i and a
		set, letters := ^caps.Set(0), ""
		for i, has := range [...]caps.Set{s.Effective, s.Permitted, s.Inheritable, s.Ambient} {
			if how>>(3-i)&1 != 0 {
				set &= has
				letters += "epia"[i : i+1]
			} else {
				set &^= has
			}
		}
		if set != 0 && how != 0 {
			list = append(list, alike{set: set, letters: letters})
		}
	}
	return list
}

func (h *alike) text(all, first caps.Set) string {
	text := h.word(all)
	if missing := all &^ h.set; text == "" && h.allBut(all) {
		text = "all but " + shortNames(missing, 0, missing.Len())
	} else if text == "" {
		text = shortNames(h.set, first, h.set.Len()-h.hidden)
		if h.hidden > 0 {
			text += fmt.Sprintf("+%d", h.hidden)
		}
	}
	if h.letters != "ep" {
		text += "=" + h.letters
	}
	return text
}

// word is what a whole set is called; "" if it has no name.
func (h *alike) word(all caps.Set) string {
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

// allBut says that what is missing is shorter than what is there.
func (h *alike) allBut(all caps.Set) bool {
	const few = 3
	return all.Contains(h.set) && (all&^h.set).Len() <= few && h.set.Len() > 2*few
}

// hideOne leaves out one more name, where the most are shown; false if no name
// can be left out.
func hideOne(list []alike, all caps.Set) bool {
	var longest *alike
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

// shortNames is n names, first those of first, with commas between.
func shortNames(set, first caps.Set, n int) string {
	names := append((set & first).ShortNames(), (set &^ first).ShortNames()...)
	return strings.Join(names[:max(n, 0)], ",")
}

// marks are four letters, or a dash for each that is not so: something is ambient, an
// execve can give more (by the bounding set or, to root and by some files, the
// inheritable set, unless no_new_privs prevents that), the user namespace is not the
// reader's, no_new_privs is set. What is not known is "?".
func marks(p *Listed) (list [4]byte) {
	for i, v := range [...]cred.Known[bool]{cred.Is(p.Ambient != 0), canGain(&p.State), p.Foreign, p.NoNewPrivs} {
		switch {
		case !v.OK:
			list[i] = '?'
		case v.Value:
			list[i] = "abun"[i]
		default:
			list[i] = '-'
		}
	}
	return list
}

// canGain reports whether an execve of the right file can add to the permitted set.
func canGain(s *cred.State) cred.Known[bool] {
	more, nnp := execve.Gain(&s.Sets) != 0, s.NoNewPrivs
	return cred.Known[bool]{Value: more && !nnp.Value, OK: nnp.OK || !more}
}
