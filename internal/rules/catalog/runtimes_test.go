package catalog

import (
	"testing"

	"capsh/internal/rules/caps"
)

// TestDefaults: how many each has, by the runtimes' own lists.
func TestDefaults(t *testing.T) {
	for name, n := range map[string]int{
		"docker": 14, "containerd": 14, "cri": 14, "kubernetes": 14, "podman": 11, "cri-o": 9, "crio": 9,
		"lxc": 36, "systemd-nspawn": 26, "nspawn": 26, "runc": 3, "kubernetes-baseline": 13, "buildah": 11, "buildkit": 14, "kubernetes-restricted": 1, "restricted": 1,
	} {
		if set, ok := Default(name); !ok || set.Len() != n {
			t.Errorf("%s: %d capabilities, %v; want %d", name, set.Len(), ok, n)
		}
	}
	if _, ok := Default("bocker"); ok {
		t.Error("bocker is a runtime")
	}
	for _, d := range Defaults() {
		if d.Set&^caps.First(caps.Named) != 0 || d.Version == "" || d.Source == "" {
			t.Errorf("%+v", d)
		}
	}
}
