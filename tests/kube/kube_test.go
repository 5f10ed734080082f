// Package kube decodes the YAML that capsh writes into the types of those who
// read it. It is a module of its own so that theirs stay out of the programs'.
package kube

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

var capsh string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "kube-")
	if err != nil {
		panic(err)
	}
	capsh = filepath.Join(dir, "capsh")
	build := exec.Command("go", "build", "-C", "../..", "-o", capsh, "./capsh")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	build.Stderr = os.Stderr
	code := 1
	if err := build.Run(); err == nil {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// written is what capsh show writes in a form, as this user.
func written(t *testing.T, form, need string) []byte {
	t.Helper()
	text, err := exec.Command(capsh, "show", "--format="+form, "--need="+need).Output()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestEntrypoint: for a non-root user capset starts as root; what is printed for
// that has only keys of a container, too, and the words as they are.
func TestEntrypoint(t *testing.T) {
	switch {
	case os.Geteuid() == 0:
	case os.Getenv("REQUIRE_ALL") == "1":
		t.Fatal("REQUIRE_ALL=1, but this is not root")
	default:
		t.Skip("not root")
	}
	profile := filepath.Join(t.TempDir(), "profile")
	text := `{"version":1,"keep":["CAP_KILL"],"command":["sh","-c","echo $(X) \"é\n"],"user":{"uid":7,"gid":8,"groups":[8,9]},"no_new_privs":true}`
	if err := os.WriteFile(profile, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	want := []string{"/capset", "--user=7:8", "--groups=9", "--keep=kill", "--", "sh", "-c", "echo $$(X) \"é\n"}
	var c corev1.Container
	if err := yaml.UnmarshalStrict(written(t, "kubernetes", "@"+profile), &c); err != nil || !slices.Equal(c.Command, want) ||
		*c.SecurityContext.RunAsUser != 0 || c.SecurityContext.RunAsNonRoot != nil || *c.SecurityContext.AllowPrivilegeEscalation {
		t.Errorf("%v, %+v", err, c)
	}
	var s service
	if err := yaml.UnmarshalStrict(written(t, "compose", "@"+profile), &s); err != nil || !slices.Equal(s.Entrypoint, want) || s.User != "0:0" {
		t.Errorf("%v, %+v", err, s)
	}
}

// The fragment is the securityContext of a container, with no field that
// Kubernetes does not know, and says what was asked for.
func TestKubernetes(t *testing.T) {
	for need, want := range map[string][]corev1.Capability{
		"none": nil, "net_bind_service": {"NET_BIND_SERVICE"}, "kill,sys_admin": {"KILL", "SYS_ADMIN"},
	} {
		text := written(t, "kubernetes", need)
		var c corev1.Container
		if err := yaml.UnmarshalStrict(text, &c); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		s := c.SecurityContext
		if s == nil || s.Capabilities == nil || !slices.Equal(s.Capabilities.Add, want) || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
			t.Fatalf("%s: %+v", need, s)
		}
		nonRoot := os.Geteuid() != 0
		if *s.AllowPrivilegeEscalation || *s.RunAsUser != int64(os.Geteuid()) || *s.RunAsGroup != int64(os.Getegid()) ||
			(s.RunAsNonRoot != nil && *s.RunAsNonRoot) != nonRoot || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
			t.Errorf("%s: %s", need, text)
		}
	}
	var c corev1.Container
	if yaml.UnmarshalStrict([]byte("securityContext:\n  runAsUsr: 1\n"), &c) == nil {
		t.Error("the judge takes what Kubernetes does not know")
	}
}

// TestManual: the pod of the manual page is one, and is what the text says.
func TestManual(t *testing.T) {
	page, err := os.ReadFile("../../man/capset.1")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "\napiVersion:")
	text, _, _ = strings.Cut(text, "\n.Ed")
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict([]byte("apiVersion:"+text), &pod); err != nil || len(pod.Spec.Containers) != 1 {
		t.Fatalf("%v\n%s", err, text)
	}
	s := pod.Spec.Containers[0].SecurityContext
	if *s.RunAsUser != 1000 || *s.AllowPrivilegeEscalation || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) ||
		!slices.Equal(s.Capabilities.Add, []corev1.Capability{"NET_BIND_SERVICE"}) {
		t.Errorf("%+v", s)
	}
}

// service are the keys of a service that the fragment for compose may have
// (the Compose Specification, "services").
type service struct {
	CapAdd      []string `json:"cap_add"`
	CapDrop     []string `json:"cap_drop"`
	User        string   `json:"user"`
	GroupAdd    []string `json:"group_add"`
	SecurityOpt []string `json:"security_opt"`
	Entrypoint  []string `json:"entrypoint"`
}

func TestCompose(t *testing.T) {
	text := written(t, "compose", "kill,net_raw")
	var s service
	if err := yaml.UnmarshalStrict(text, &s); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if !slices.Equal(s.CapAdd, []string{"KILL", "NET_RAW"}) || !slices.Equal(s.CapDrop, []string{"ALL"}) ||
		!strings.Contains(s.User, ":") || !slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}) {
		t.Errorf("%+v", s)
	}
}
