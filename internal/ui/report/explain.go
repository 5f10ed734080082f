package report

import (
	"fmt"
	"strconv"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/ui/term"
)

// Explanations appends the description of each of a list, with the sources of
// what it says if asked for.
func Explanations(b []byte, list []caps.Cap, kernelBits int, sources bool) []byte {
	for i, c := range list {
		if i > 0 {
			b = append(b, '\n')
		}
		b = Explain(b, c, kernelBits, sources)
	}
	return b
}

// explainWidth is the longest line of a description, in characters.
const explainWidth = 72

// Explain appends the description of c: a first line as libcap's capsh has it,
// then our own text. kernelBits is how many capabilities the kernel has; the
// first line of a bit without a name depends on it, and a named one that the
// kernel lacks says so.
func Explain(b []byte, c caps.Cap, kernelBits int, sources bool) []byte {
	e, named := catalog.Of(c)
	name := "<unsupported>"
	switch {
	case named:
		name = c.String()
	case int(c) < kernelBits:
		name = "<unnamed in libcap>"
	}
	b = fmt.Appendf(b, "%s (%d) [/proc/self/status:CapXXX: 0x%s]\n", name, int(c), c.Set().Mask())
	if !named {
		return b
	}

	b = append(b, "\n    A process that has it may\n"...)
	for _, item := range e.Permits {
		b = term.AppendHung(b, "      - ", item.Text, explainWidth)
		if sources {
			b = term.AppendHung(b, "        [", item.Source+"]", explainWidth)
		}
	}
	source := func(claim catalog.Claim) string {
		if sources {
			return " [" + claim.Source + "]"
		}
		return ""
	}
	b = appendParagraph(b, "Use: ", e.Use)
	b = appendParagraph(b, "Danger: ", e.Danger.Text+source(e.Danger))
	b = appendParagraph(b, "Equivalent to root: ", rootLine(e))
	b = appendParagraph(b, "In a container: ", containerLine(c, e))
	b = appendParagraph(b, "In a user namespace other than the initial one: ", e.UserNS.Meaning()+" "+e.Inside.Text+source(e.Inside))
	since := "Linux " + e.Since + "."
	if int(c) >= kernelBits {
		since += " This kernel does not have it."
	}
	return appendParagraph(b, "Since: ", since)
}

// rootLine says whether an ordinary user's process gets what root has.
func rootLine(e catalog.Entry) string {
	switch {
	case e.Root == "":
		return "no."
	case e.With != 0:
		return "with " + strings.Join(e.With.OCINames(), " and ") + ". " + e.Root
	}
	return "yes. " + e.Root
}

// containerLine says how c meets containers, without the user namespaces in
// which it would concern the container alone.
func containerLine(c caps.Cap, e catalog.Entry) string {
	line := "Not in Docker's default set (--cap-add=" + c.AddWord() + "). "
	if catalog.DockerDefault.Has(c) {
		line = "In Docker's default set (--cap-drop=" + c.AddWord() + "). "
	}
	return line + e.Host.Meaning()
}

// appendParagraph appends an empty line and the text, four blanks in.
func appendParagraph(b []byte, label, text string) []byte {
	return term.AppendHung(append(b, '\n'), "    ", label+text, explainWidth)
}

// ExplainTable appends one line for every named capability and a legend, in
// lines of at most width characters, which must be 80 or more.
func ExplainTable(b []byte, width int) []byte {
	t := term.Table{Right: 1}
	t.Row("#", "NAME", "D", "HOST", "USERNS", "PERMITS TO")
	for c := range caps.Cap(caps.Named) {
		e, _ := catalog.Of(c)
		docker := ""
		if catalog.DockerDefault.Has(c) {
			docker = "*"
		}
		t.Row(strconv.Itoa(int(c)), c.Short(), docker, e.Host.String(), e.UserNS.String(), e.Brief)
	}
	b = t.Append(b, width)

	b = append(b, "\nD: in the default set of Docker and containerd.\n"+
		"HOST, in a container without a user namespace of its own:\n"...)
	var legend term.Table
	for h := range catalog.HostDirect + 1 {
		legend.Row("", h.String(), h.Meaning())
	}
	b = append(legend.Append(b, width), "USERNS, in a user namespace other than the initial one:\n"...)
	legend = term.Table{}
	for u := range catalog.InFull + 1 {
		legend.Row("", u.String(), u.Meaning())
	}
	return legend.Append(b, width)
}
