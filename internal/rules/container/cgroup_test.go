package container

import (
	"strings"
	"testing"

	"capsh/internal/rules/catalog"
)

const (
	id1 = "4f6b3d1c0e9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c"
	id2 = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	uid = "8b6c7a1e-2f3d-4c5b-9a8e-7d6c5b4a3f2e"
)

func TestFromCgroup(t *testing.T) {
	under := strings.ReplaceAll(uid, "-", "_")
	for _, c := range []struct {
		text string
		want Container // the zero value: none
	}{
		// cgroup v1 with the cgroupfs driver.
		{"12:pids:/docker/" + id1 + "\n11:cpu,cpuacct:/docker/" + id1 + "\n0::/system.slice/containerd.service\n", Container{catalog.Docker, id1, "", ""}},
		{"9:name=systemd:/\n8:pids:/\n4:memory:/docker/" + id1, Container{catalog.Docker, id1, "", ""}},
		{"4:memory:/libpod_parent/libpod-" + id1, Container{catalog.Podman, id1, "", ""}},
		{"3:cpu:/libpod_parent/conmon\n", Container{}},
		{"8:memory:/kubepods/burstable/pod" + uid + "/" + id1, Container{catalog.Kubernetes, id1, uid, ""}},
		{"8:memory:/kubepods/pod" + uid, Container{catalog.Kubernetes, "", uid, ""}},
		{"8:memory:/kubepods/besteffort/pod" + id2[:32] + "/" + id1, Container{catalog.Kubernetes, id1, id2[:32], ""}},
		{"5:cpu:/default/" + id1, Container{catalog.Containerd, id1, "", ""}},
		{"5:cpu:/k8s.io/" + id1, Container{catalog.Containerd, id1, "", ""}},
		{"5:cpu:/actions_job/" + id1, Container{Unknown, id1, "", ""}},
		{"2:cpu:/lxc/web1", Container{catalog.LXC, "web1", "", ""}},
		// systemd.
		{"0::/system.slice/docker-" + id1 + ".scope", Container{catalog.Docker, id1, "", ""}},
		{"0::/system.slice/docker-" + id1 + ".scope/init.scope", Container{catalog.Docker, id1, "", ""}},
		{"0::/machine.slice/libpod-" + id1 + ".scope/container", Container{catalog.Podman, id1, "", ""}},
		{"0::/machine.slice/libpod-conmon-" + id1 + ".scope", Container{}},
		{"0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id1 + ".scope/container", Container{catalog.Podman, id1, "", ""}},
		{"0::/system.slice/nerdctl-" + id1 + ".scope", Container{catalog.Containerd, id1, "", ""}},
		{"0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + under + ".slice/cri-containerd-" + id1 + ".scope", Container{catalog.Containerd, id1, uid, ""}},
		{"0::/kubepods.slice/kubepods-pod" + under + ".slice/crio-" + id1 + ".scope", Container{catalog.CRIO, id1, uid, ""}},
		{"0::/kubepods.slice/kubepods-pod" + under + ".slice/crio-conmon-" + id1 + ".scope", Container{catalog.Kubernetes, "", uid, ""}},
		{"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + under + ".slice/docker-" + id1 + ".scope", Container{catalog.Docker, id1, uid, ""}},
		{"0::/system.slice/containerd.service/kubepods-burstable-pod" + under + ".slice:cri-containerd:" + id1, Container{catalog.Containerd, id1, uid, ""}},
		{`0::/machine.slice/machine-my\x2dbox.scope/payload`, Container{catalog.Nspawn, "my-box", "", ""}},
		{`0::/machine.slice/systemd-nspawn@my\x2dbox.service/payload`, Container{catalog.Nspawn, "my-box", "", ""}},
		{`0::/machine.slice/machine-lxc\x2d12\x2dbox.scope`, Container{catalog.Libvirt, "box", "", ""}},
		{`0::/machine.slice/machine-qemu\x2d1\x2dvm.scope/libvirt/emulator`, Container{}},
		{"0::/lxc.payload.web1/system.slice/ssh.service", Container{catalog.LXC, "web1", "", ""}},
		{"0::/lxc.payload/web1", Container{catalog.LXC, "web1", "", ""}},
		{"0::/lxc.monitor.web1", Container{}},
		// One inside another: the innermost.
		{"7:cpu:/docker/" + id1 + "/docker/" + id2, Container{catalog.Docker, id2, "", ""}},
		{"0::/docker/" + id1 + "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" + under + ".slice/cri-containerd-" + id2 + ".scope", Container{catalog.Containerd, id2, uid, ""}},
		{"0::/lxc.payload.web1/docker/" + id2, Container{catalog.Docker, id2, "", ""}},
		// A neighbour as a cgroup namespace shows it.
		{"0::/../" + id1, Container{Unknown, id1, "", ""}},
		// NoCapabilities.
		{"", Container{}},
		{"0::/", Container{}},
		{"0::/user.slice/user-0.slice/session-1.scope\n", Container{}},
		{"0::/system.slice/docker.service", Container{}},
		{"0::/docker/buildx", Container{}},
		{"0::/system.slice/docker-" + id1[:63] + ".scope", Container{}},
		{"0::/system.slice/docker-" + strings.ToUpper(id1) + ".scope", Container{}},
		{"4:memory:/process_api/" + id1[:32], Container{}},
		{"0::/podman.slice/podinfo", Container{}},
		{"nonsense", Container{}},
		{"0::/lxc/", Container{}},
		{"0::/machine.slice/machine-.scope", Container{}},
	} {
		got, ok := FromCgroup(c.text)
		if got != c.want || ok != (c.want != Container{}) {
			t.Errorf("%q:\n got %+v, %v\nwant %+v", c.text, got, ok, c.want)
		}
	}
}

func TestShort(t *testing.T) {
	for id, want := range map[string]string{id1: id1[:12], "web-server-number-1": "web-server-number-1", "": ""} {
		if got := (Container{ID: id}).Short(); got != want {
			t.Errorf("%q: %q", id, got)
		}
	}
}
