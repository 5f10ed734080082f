package testenv

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// Report is what capsh --json says of a process, as a stranger reads it.
type Report struct {
	Version          int
	PID, TID         int
	PPID             *int
	Name             string
	State            *string
	Threads          *int
	NSPID            []int
	UID, GID         IDs
	Groups           []uint32
	Capabilities     Five[[]string]
	Masks            Five[string]
	Securebits       *Securebits
	NoNewPrivs       *bool `json:"no_new_privs"`
	Seccomp          *string
	Label            *string
	UserNamespace    UserNamespace `json:"user_namespace"`
	Mode             *string
	DifferingThreads []Report `json:"differing_threads"`
	Effects          []Effect // of show alone
}

// Effect is that part of a report.
type Effect struct{ Capability, Effect, Reason string }

// IDs are the four ids of one kind.
type IDs struct{ Real, Effective, Saved, FS uint32 }

// Five is one thing for each set.
type Five[T any] struct {
	Bounding, Effective, Permitted, Inheritable, Ambient T
}

// Securebits are that part of a report.
type Securebits struct {
	Value       uint32
	Set, Locked []string
}

// UserNamespace is that part of a report.
type UserNamespace struct {
	Inode     *uint64
	Initial   *bool
	UIDMap    []IDRange `json:"uid_map"`
	GIDMap    []IDRange `json:"gid_map"`
	Setgroups *bool
}

// IDRange is a line of a map.
type IDRange struct{ Inside, Outside, Count uint32 }

// DecodeReport reads one report; a member that is not known here is an error.
func DecodeReport(text []byte) (*Report, error) {
	var r Report
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return nil, fmt.Errorf("not a report: %w: %q", err, text)
	}
	if d.More() {
		return nil, fmt.Errorf("more than a report: %q", text)
	}
	return &r, nil
}

// ParseReport is DecodeReport for what must be one.
func ParseReport(t testing.TB, text []byte) *Report {
	t.Helper()
	r, err := DecodeReport(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Disagreements says in what a report and the raw lines of a status file differ.
func (r *Report) Disagreements(s Status) (list []string) {
	check := func(name, got string) {
		if want := strings.Join(s.Fields(name), " "); got != want {
			list = append(list, fmt.Sprintf("%s: reported %q, status has %q", name, got, want))
		}
	}
	check("Tgid", strconv.Itoa(r.PID))
	check("Pid", strconv.Itoa(r.TID))
	check("NSpid", words(r.NSPID))
	check("Uid", r.UID.words())
	check("Gid", r.GID.words())
	check("Groups", words(r.Groups))
	check("CapInh", r.Masks.Inheritable)
	check("CapPrm", r.Masks.Permitted)
	check("CapEff", r.Masks.Effective)
	check("CapBnd", r.Masks.Bounding)
	check("CapAmb", r.Masks.Ambient)
	check("NoNewPrivs", flag(r.NoNewPrivs))
	seccomp := ""
	if r.Seccomp != nil {
		seccomp = map[string]string{"off": "0", "strict": "1", "filter": "2"}[*r.Seccomp]
	}
	check("Seccomp", seccomp)
	return append(list, r.misnamed()...)
}

// misnamed says where the names of a set are not those of its mask, as the
// installed libcap has them.
func (r *Report) misnamed() (list []string) {
	for _, set := range []struct {
		names []string
		mask  string
	}{
		{r.Capabilities.Bounding, r.Masks.Bounding},
		{r.Capabilities.Effective, r.Masks.Effective},
		{r.Capabilities.Permitted, r.Masks.Permitted},
		{r.Capabilities.Inheritable, r.Masks.Inheritable},
		{r.Capabilities.Ambient, r.Masks.Ambient},
	} {
		want, err := Decode(set.mask)
		if got := strings.ToLower(strings.Join(set.names, ",")); err != nil || got != want {
			list = append(list, fmt.Sprintf("mask %s: named %q, libcap has %q, %v", set.mask, got, want, err))
		}
	}
	return list
}

// Decode names the bits of a mask as the installed libcap does.
func Decode(mask string) (string, error) {
	out, err := exec.Command("/usr/sbin/capsh", "--decode="+mask).Output()
	_, names, _ := strings.Cut(strings.TrimSpace(string(out)), "=")
	return names, err
}

// Libcap needs the installed libcap's programs, which judge.
func Libcap(t testing.TB) {
	t.Helper()
	Tool(t, "/usr/sbin/capsh")
	Tool(t, "/usr/sbin/getpcaps")
}

// Getpcaps is what the installed libcap says of a process: its sets as text,
// and its IAB as text.
func Getpcaps(pid int) (sets, iab string, err error) {
	id := strconv.Itoa(pid)
	out, err := exec.Command("/usr/sbin/getpcaps", id).Output()
	if err != nil {
		return "", "", err
	}
	sets, ok := strings.CutPrefix(strings.TrimSpace(string(out)), id+": ")
	if !ok {
		return "", "", fmt.Errorf("getpcaps: %q", out)
	}
	// 12: "=ep" [!cap_chown], without either if it is empty.
	out, err = exec.Command("/usr/sbin/getpcaps", "--iab", id).Output()
	_, iab, _ = strings.Cut(strings.TrimSpace(string(out)), "[")
	return sets, strings.TrimSuffix(iab, "]"), err
}

func (i IDs) words() string { return words([]uint32{i.Real, i.Effective, i.Saved, i.FS}) }

func words[T any](list []T) string { return strings.Trim(fmt.Sprint(list), "[]") }

func flag(v *bool) string {
	switch {
	case v == nil:
		return "unknown"
	case *v:
		return "1"
	}
	return "0"
}
