package report

import (
	"cmp"
	"fmt"
	"strings"

	"capsh/internal/rules/cred"
	"capsh/internal/rules/filecap"
	"capsh/internal/ui/term"
)

// GrantsRow is the row of a file in a table: its path, what it carries, and why
// that means nothing or not all. kernelBits is how many capabilities the kernel has.
func GrantsRow(g *filecap.Grants, kernelBits int, names Names, color term.Color) []string {
	text := carriedText(g.Mode, idName(g.UID, names.User), idName(g.GID, names.Group), capsText(g, kernelBits))
	cells := []string{term.Escape(g.Path), cmp.Or(text, "nothing")}
	if why := append(g.FlawTexts(), g.Doubts.Texts()...); g.Any() && len(why) > 0 {
		word, hue := "note: ", term.Plain
		switch counts := g.Honoured(); {
		case !counts.OK:
			word, hue = "UNKNOWN: ", term.Yellow
		case !counts.Value:
			word, hue = "IGNORED: ", term.Yellow
		}
		cells = append(cells, color.Paint(hue, word+strings.Join(why, "; ")))
	}
	return cells
}

// carriedText is what a file carries: setuid and setgid with whose, and capabilities,
// which are "" for none.
func carriedText(mode uint32, owner, group, capabilities string) string {
	var parts []string
	if mode&filecap.ModeSetuid != 0 {
		parts = append(parts, "setuid "+owner)
	}
	if mode&filecap.ModeSetgid != 0 {
		parts = append(parts, "setgid "+group)
	}
	if capabilities != "" {
		parts = append(parts, capabilities)
	}
	return strings.Join(parts, "; ")
}

// capsText is the file's capabilities as setcap(8) takes them, and the root id
// that setcap -n takes, as getcap -n shows it.
func capsText(g *filecap.Grants, kernelBits int) string {
	switch {
	case !g.HasCaps:
		return ""
	case g.Flaws&filecap.InvalidCaps != 0:
		return "invalid capabilities"
	case !g.CapsShown():
		return "capabilities that the kernel does not show here"
	}
	text := g.Caps.EPI().Text(kernelBits)
	if g.Caps.RootID != 0 {
		text += fmt.Sprintf(" [rootid=%d]", g.Caps.RootID)
	}
	return text
}

// idName is the name of an id, or its number.
func idName(id uint32, name func(uint32) string) string {
	if n := name(id); n != "" {
		return term.Escape(n)
	}
	return cred.IDText(id)
}
