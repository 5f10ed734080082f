package classic

import (
	"fmt"
	"strings"

	"capsh/internal/rules/suggest"
)

// misused says what is wrong with a word that is not an action, and what to type instead.
// next are the words behind it.
func misused(arg string, next []string) error {
	name, _, hasValue := strings.Cut(arg, "=")
	near := suggest.Nearest(name, Options)
	switch instead := instead(strings.TrimLeft(name, "-")); {
	case name == "":
		return fmt.Errorf("unknown option %q; see capsh --help", arg)
	case near == name && hasValue:
		return fmt.Errorf("%s takes no value", name)
	case near == name && len(next) > 0 && !strings.HasPrefix(next[0], "-"):
		return fmt.Errorf("%s needs its value attached: %s=%s", name, name, next[0])
	case near == name:
		return fmt.Errorf("%s needs a value: %s=…", name, name)
	case !strings.HasPrefix(arg, "-"):
		return fmt.Errorf("unknown option %q; to run a command: capset -- COMMAND, or for a shell -- -c COMMAND", arg)
	case instead != "":
		return fmt.Errorf("unknown option %q; %s", arg, instead)
	case near != "":
		return fmt.Errorf("unknown option %q, did you mean %s?", arg, near)
	}
	return fmt.Errorf("unknown option %q; see capsh --help", arg)
}

// instead is what does here what an option of another program does, "" for nothing.
func instead(name string) string {
	switch name {
	case "p":
		return "another process: --pid=PID"
	case "v", "V":
		return "the version: --version"
	case "d", "dump":
		return "what this process has: --print"
	case "c":
		return "to run a command in a shell: -- -c COMMAND"
	case "has-e":
		return "libcap has none either; use capsh expect 'eff>=CAP'"
	case "amb", "ambient":
		return "to raise or lower ambient capabilities: --addamb=LIST, --delamb=LIST"
	case "privileged":
		return "whether a container is privileged: capsh assess"
	case "u", "reuid", "ruid", "euid", "regid", "cap-add", "cap-drop", "security-opt",
		"inh-caps", "ambient-caps", "bounding-set", "securebits", "bounding", "dry-run", "discover":
		return "to run a command with fewer privileges: capset --user=USER --keep=LIST -- COMMAND"
	}
	return ""
}
