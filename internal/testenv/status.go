package testenv

import (
	"os"
	"strings"
)

// Status is a status file of procfs, taken apart with nothing of ours: the text
// of each line by its name.
type Status map[string]string

// ReadStatus reads a status file.
func ReadStatus(path string) (Status, error) {
	text, err := os.ReadFile(path)
	return SplitStatus(string(text)), err
}

// SplitStatus takes the text of a status file apart.
func SplitStatus(text string) Status {
	s := Status{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		s[name] = strings.TrimSpace(value)
	}
	return s
}

// Credentials are the lines that only a change of credentials changes.
func (s Status) Credentials() string {
	var b strings.Builder
	for _, name := range []string{"Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"} {
		b.WriteString(name + ":" + s[name] + "\n")
	}
	return b.String()
}

// Fields are the words of a line.
func (s Status) Fields(name string) []string { return strings.Fields(s[name]) }
