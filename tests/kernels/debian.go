package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// archive is a part of Debian's archive that apt reads with a configuration of
// its own: the host's apt stays as it is. It is made at the first use.
type archive struct {
	Arch   string
	Suites []string
	dir    string
}

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// mirror is where the host's apt gets Debian from; label is "Debian" or
// "Debian-Security".
func mirror(label string) (string, error) {
	out, err := exec.Command("apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)").Output()
	if err != nil {
		return "", fmt.Errorf("apt-get indextargets: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		if uri, ok := strings.CutPrefix(strings.TrimSpace(line), "Debian|"+label+"|"); ok {
			return uri, nil
		}
	}
	return "", fmt.Errorf("apt here has no source of %s", label)
}

// open has apt read the indices.
func (a *archive) open(dir string) error {
	a.dir = dir
	for _, sub := range []string{"etc/apt.conf.d", "etc/preferences.d", "state/lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	var sources strings.Builder
	for _, suite := range a.Suites {
		label := "Debian"
		if strings.HasSuffix(suite, "-security") {
			label += "-Security"
		}
		uri, err := mirror(label)
		if err != nil {
			return err
		}
		fmt.Fprintf(&sources, "deb [arch=%s signed-by=%s] %s %s main\n", a.Arch, keyring, uri, suite)
	}
	config := fmt.Sprintf(`Dir::Etc "%s/etc"; Dir::Etc::sourcelist "sources.list"; Dir::Etc::sourceparts "-";
Dir::State "%[1]s/state"; Dir::State::status "/dev/null"; Dir::Cache "%[1]s/cache";
APT::Architecture "%[2]s"; APT::Architectures {"%[2]s";}; APT::Sandbox::User "root"; APT::Install-Recommends "false";
Acquire::Retries "3"; Acquire::Languages "none";
`, dir, a.Arch)
	if err := os.WriteFile(filepath.Join(dir, "etc/sources.list"), []byte(sources.String()), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "apt.conf"), []byte(config), 0o644); err != nil {
		return err
	}
	_, err := a.apt("apt-get", "-qq", "update")
	return err
}

// apt runs one of apt's commands with the archive's configuration.
func (a *archive) apt(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = filepath.Join(a.dir, "cache/archives")
	cmd.Env = append(os.Environ(), "APT_CONFIG="+a.dir+"/apt.conf", "LC_ALL=C")
	return output(cmd)
}

// newest is the package of the highest version among those that a pattern of
// names finds.
func (a *archive) newest(pattern string) (string, error) {
	out, err := a.apt("apt-cache", "search", "--names-only", pattern)
	if err != nil {
		return "", err
	}
	var names []string
	for line := range strings.Lines(out) {
		name, _, _ := strings.Cut(line, " ")
		names = append(names, name)
	}
	if len(names) == 0 {
		return "", fmt.Errorf("no package in %v is called %s", a.Suites, pattern)
	}
	return slices.MaxFunc(names, compareNumbers), nil
}

// compareNumbers compares names by the numbers in them, 6.1.0-9 before 6.1.0-10.
func compareNumbers(a, b string) int {
	notDigit := func(r rune) bool { return r < '0' || r > '9' }
	return slices.CompareFunc(strings.FieldsFunc(a, notDigit), strings.FieldsFunc(b, notDigit), func(a, b string) int {
		a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	})
}

// unpack downloads packages and unpacks them into a directory. No script of
// theirs runs.
func (a *archive) unpack(dir string, withDependencies bool, packages ...string) error {
	command := []string{"download"}
	if withDependencies {
		command = []string{"-y", "--download-only", "install"}
	}
	if _, err := a.apt("apt-get", slices.Concat([]string{"-qq"}, command, packages)...); err != nil {
		return err
	}
	debs, err := filepath.Glob(filepath.Join(a.dir, "cache/archives/*.deb"))
	if err != nil || len(debs) == 0 {
		return fmt.Errorf("apt-get downloaded nothing for %v: %w", packages, err)
	}
	for _, deb := range debs {
		if err := extract(deb, dir); err != nil {
			return err
		}
		if err := os.Remove(deb); err != nil {
			return err
		}
	}
	return nil
}

// extract unpacks one package. Unlike dpkg-deb --extract it follows the links from
// /bin to /usr/bin and the like.
func extract(deb, dir string) error {
	unpack := exec.Command("tar", "-x", "-p", "--keep-directory-symlink", "-C", dir)
	files, err := unpack.StdinPipe()
	if err != nil {
		return err
	}
	if err := unpack.Start(); err != nil {
		return err
	}
	pack := exec.Command("dpkg-deb", "--fsys-tarfile", deb)
	pack.Stdout = files
	err = errors.Join(pack.Run(), files.Close(), unpack.Wait())
	if err != nil {
		return fmt.Errorf("unpack %s: %w", filepath.Base(deb), err)
	}
	return nil
}

// output is a command's standard output; an error has what it wrote to stderr.
func output(cmd *exec.Cmd) (string, error) {
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%v: %w\n%s", cmd, err, errs.Bytes())
	}
	return string(out), nil
}
