package plan

import (
	"strconv"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Names is a set for people: "none", libcap's names, or "all but" those.
func Names(s caps.Set) string {
	all := caps.First(caps.Named)
	switch {
	case s == 0:
		return "none"
	case s == all:
		return "all"
	case s.Len() > caps.Named/2 && all.Contains(s):
		return "all but " + (all &^ s).String()
	}
	return s.String()
}

// some is part of a set for people: names, or how many these are.
func some(s caps.Set) string {
	if n := s.Len(); n > caps.Named/2 {
		return strconv.Itoa(n) + " capabilities"
	}
	return s.String()
}

// IDText is the ids of a change: "1000", or "real 0, effective 1000, saved unchanged".
func IDText(id cred.IDs) string { return id.Text(idText) }

// IDList is the ids with commas between, "none" for no id.
func IDList(list []uint32) string {
	if len(list) == 0 {
		return "none"
	}
	texts := make([]string, len(list))
	for i, id := range list {
		texts[i] = strconv.FormatUint(uint64(id), 10)
	}
	return strings.Join(texts, ",")
}

func idText(id uint32) string {
	if id == cred.Unchanged {
		return "unchanged"
	}
	return strconv.FormatUint(uint64(id), 10)
}
