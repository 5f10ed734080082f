package differ

import (
	"slices"
	"strconv"
	"strings"
)

// iab is what --iab asks for.
type iab struct{ inheritable, ambient, dropped uint64 }

// parseIAB reads IAB text of names and numbers; what it does not take is left
// to libcap.
func parseIAB(text string) (v iab, ok bool) {
	for item := range strings.SplitSeq(text, ",") {
		bare := strings.TrimLeft(item, "!^%")
		c, rest, ok := name(bare)
		if !ok || rest != "" {
			return iab{}, false
		}
		marks := item[:len(item)-len(bare)]
		if marks == "" || strings.ContainsAny(marks, "%^") {
			v.inheritable |= 1 << c
		}
		if strings.Contains(marks, "^") {
			v.ambient |= 1 << c
		}
		if strings.Contains(marks, "!") {
			v.dropped |= 1 << c
		}
	}
	return v, true
}

// iabNeedsNothing is a --iab that later libcap sets without SETPCAP, where
// SETPCAP is not to be had.
func iabNeedsNothing(m *moment) bool {
	text, is := strings.CutPrefix(m.arg(), "--iab=")
	v, ok := parseIAB(text)
	if !is || !ok || v.ambient == 0 && v.dropped == 0 || m.says("--has-p=cap_setpcap") {
		return false
	}
	for c := range 64 {
		n := strconv.Itoa(c)
		if v.inheritable>>c&1 != 0 && !m.says("--has-p="+n) && !m.says("--has-i="+n) ||
			v.dropped>>c&1 != 0 && (!m.st.kernelHas(uint64(c)) || !m.says("--dropped="+n)) {
			return false
		}
	}
	return true
}

// iabInSteps asks for the same with --inh and --addamb.
func iabInSteps(m *moment) (*state, []string) {
	v, _ := parseIAB(strings.TrimPrefix(m.arg(), "--iab="))
	steps := []string{"--inh=" + list(v.inheritable), "--noamb"}
	if v.ambient != 0 {
		steps = append(steps, "--addamb="+list(v.ambient))
	}
	return m.st, slices.Replace(slices.Clone(m.argv), m.at, m.at+1, steps...)
}

func list(set uint64) string {
	var items []string
	for c := range 64 {
		if set>>c&1 != 0 {
			items = append(items, strconv.Itoa(c))
		}
	}
	return strings.Join(items, ",")
}
