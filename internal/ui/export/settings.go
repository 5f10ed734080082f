package export

import (
	"fmt"
	"path"
	"strings"

	"capsh/internal/ui/term"
)

// settings are what options of a launch set beside privilege.
type settings struct {
	dir string   // an absolute path, empty for the directory of the image or the unit
	env []string // NAME=VALUE
}

// settings are those that each form can express; the warnings name the options that are
// left out.
func (g *Grant) settings() (s settings, warnings []string) {
	var left []string
	for _, option := range g.Options {
		name, value, _ := strings.Cut(option, "=")
		switch {
		case name == "--chdir" && path.IsAbs(value):
			s.dir = value
		case name == "--env":
			s.env = append(s.env, value)
		default:
			left = append(left, term.Escape(option))
		}
	}
	if len(left) > 0 {
		warnings = []string{"the trials also had " + strings.Join(left, " ") + ", which this form leaves out"}
	}
	return s, warnings
}

// docker are options of docker run and podman run.
func (s *settings) docker(b []byte) []byte {
	if s.dir != "" {
		b = append(b, " --workdir="+shellWord(s.dir)...)
	}
	for _, variable := range s.env {
		b = append(b, " --env="+shellWord(variable)...)
	}
	return b
}

// compose are lines of a service.
func (s *settings) compose(b []byte) []byte {
	if s.dir != "" {
		b = fmt.Appendf(b, "working_dir: %s\n", yamlWord(s.dir))
	}
	return append(b, yamlList("environment", s.env)...)
}

// kubernetes are lines of a container.
func (s *settings) kubernetes(b []byte) []byte {
	if s.dir != "" {
		b = fmt.Appendf(b, "workingDir: %q\n", s.dir) // no variables there
	}
	if len(s.env) > 0 {
		b = append(b, "env:\n"...)
	}
	for _, variable := range s.env {
		name, value, _ := strings.Cut(variable, "=")
		b = fmt.Appendf(b, "  - name: %q\n    value: %s\n", name, yamlWord(value))
	}
	return b
}

// systemd are lines of a unit's section [Service].
func (s *settings) systemd(b []byte) []byte {
	plain := func(text string) string { return strings.ReplaceAll(text, "%", "%%") } // no specifiers
	if s.dir != "" {
		b = append(b, "WorkingDirectory="+plain(s.dir)+"\n"...)
	}
	for _, variable := range s.env {
		b = fmt.Appendf(b, "Environment=%s\n", plain(fmt.Sprintf("%q", variable)))
	}
	return b
}

// yamlList is a list of words under a key; empty for none.
func yamlList(key string, words []string) string {
	if len(words) == 0 {
		return ""
	}
	text := key + ":\n"
	for _, word := range words {
		text += "  - " + yamlWord(word) + "\n"
	}
	return text
}

// yamlWord is a word in which $ stands for the value of a variable, and $$ for $, with
// Compose and with Kubernetes.
func yamlWord(word string) string { return strings.ReplaceAll(fmt.Sprintf("%q", word), "$", "$$") }
