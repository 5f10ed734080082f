package main

import (
	"slices"
	"strconv"
	"strings"

	"capsh/internal/linux/files"
	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/rules/accounts"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"
	"capsh/internal/ui/export"
)

// valuesOf are the values that an option can have: the words that its help
// names, and what the machine has of the kind that its name says.
func valuesOf(o *optionWord, last string) []string {
	var list []string
	for word := range strings.SplitSeq(o.value, "|") {
		if word, _, _ = strings.Cut(word, "["); word != "" && strings.ToLower(word) == word {
			list = append(list, word)
		}
	}
	switch o.name {
	case "--drop", "--inh", "--has-p", "--has-i", "--has-a", "--has-b", "--dropped", "--addamb", "--delamb",
		"--explain", "--supports": // libcap's take whole names alone
		return listOf(append(list, capNames("cap_")...), last)
	case "--keep", "--cap", "--cap-add", "--cap-drop", "--need", "--bounding", "--inheritable", "--permitted", "--ambient":
		if len(list) > 0 { // 0|1, which libcap's --keep takes
			return list
		}
		return listOf(capNames(last), last)
	case "--user", "--ruid", "--euid":
		if i := strings.IndexByte(last, ':') + 1; i > 0 && strings.Contains(o.value, ":GROUP") {
			return prefixed(last[:i], accountList(accounts.GroupPath))
		}
		return append(list, accountList(accounts.PasswdPath)...)
	case "--groups", "--rgid", "--egid":
		return listOf(append(list, accountList(accounts.GroupPath)...), last)
	case "--pid", "--ptracer":
		return append(list, processIDs()...)
	case "--mode", "--inmode":
		return append(list, modeNames()...)
	case "--format":
		if len(list) == 0 { // FORM
			list = append([]string{"text", "json"}, export.Formats()...)
		}
	case "--fail-on":
		return container.VerdictNames()
	case "--sort":
		return sortKeys[:]
	case "--container":
		return []string{catalog.Docker, catalog.Podman, catalog.Containerd, catalog.CRIO,
			catalog.Kubernetes, catalog.LXC, catalog.Nspawn, catalog.Libvirt}
	case "--color":
		return colorWords[:]
	case "--securebits":
		return listOf(append(list, securebitNames()...), last)
	default:
		return launchValues(o.name, list, last)
	}
	return list
}

// limits are the words for --rlimit: all that setrlimit(2) has.
var limits = [...]string{
	"as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue",
	"nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack",
}

// launchValues are those of capset's own options; list are the words of its help.
func launchValues(name string, list []string, last string) []string {
	const ordinary = 1<<31 - 1 // signals below the real-time ones
	switch name {
	case "--rlimit":
		if strings.Contains(last, "=") {
			return nil // a number
		}
		for _, limit := range limits {
			list = append(list, limit+"=")
		}
	case "--pdeathsig":
		list = append(append(list, "KILL", "STOP"), plan.SignalNames(ordinary)...)
	case "--ignore-signal", "--default-signal", "--block-signal":
		return listOf(plan.SignalNames(ordinary), last)
	case "--landlock-access", "--landlock-rule":
		kind, rights, _ := strings.Cut(last, ":")
		if len(kind) < len(last) && !strings.Contains(rights, ":") {
			return prefixed(kind+":", listOf(plan.RightNames(1<<plan.NamedRights-1), rights))
		}
	}
	return list
}

// expectValues are those of an expression's subject.
func expectValues(subject, last string) []string {
	switch subject {
	case "uid", "euid", "suid", "fsuid":
		return accountList(accounts.PasswdPath)
	case "gid", "egid", "sgid", "fsgid":
		return accountList(accounts.GroupPath)
	case "groups":
		return listOf(append(accountList(accounts.GroupPath), "none"), last)
	case "seccomp":
		return []string{"off", "strict", "filter"}
	case "userns":
		return []string{"initial"}
	case "securebits":
		return listOf(securebitNames(), last)
	case "mode":
		return modeNames()
	}
	names := capNames(last)
	for _, d := range catalog.Defaults() {
		names = append(names, d.Name)
	}
	return listOf(names, last)
}

// listOf offers each word behind what is already there of a list, unless it is
// in there.
func listOf(words []string, last string) []string {
	i := strings.LastIndexByte(last, ',') + 1
	there := strings.Split(last[:i], ",")
	words = slices.DeleteFunc(words, func(w string) bool { return slices.Contains(there, w) })
	return prefixed(last[:i], words)
}

// capNames are the names of the kernel's capabilities, all and none: short ones
// unless the last item of what is typed begins as the whole ones do.
func capNames(typed string) []string {
	whole := strings.HasPrefix(typed[strings.LastIndexByte(typed, ',')+1:], "cap_")
	var list []string
	for c := range caps.First(min(self.KernelBits(), caps.Named)).All() {
		if whole {
			list = append(list, c.String())
		} else {
			list = append(list, c.Short())
		}
	}
	return append(list, "all", "none")
}

func modeNames() (list []string) {
	for _, m := range cred.Modes() {
		list = append(list, m.String())
	}
	return list
}

func securebitNames() []string {
	return append((cred.SecurebitFlags | cred.SecurebitFlags<<1).Names(), "none")
}

func processIDs() (list []string) {
	ids, _ := procfs.Proc.PIDs() // a completion has nobody to complain to
	for _, id := range ids {
		list = append(list, strconv.Itoa(id))
	}
	return list
}

// accountList are the names in a passwd or group file that a shell takes as they
// are, for that is how some put them on the line.
func accountList(file string) (list []string) {
	text, _ := files.Here.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		name, _, ok := strings.Cut(line, ":")
		if ok && plainName(name) {
			list = append(list, name)
		}
	}
	return list
}

// plainName reports whether a name is made of letters, digits and what else
// means nothing to any shell, a mark not first.
func plainName(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
	return name != "" && strings.Contains(letters, name[:1]) && strings.Trim(name, letters+".-@") == ""
}
