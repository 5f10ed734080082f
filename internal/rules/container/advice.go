package container

import (
	"fmt"
	"slices"
	"strings"
)

// Advice says of a finding what usually causes it, what to do, and which controls of
// published benchmarks it falls under.
type Advice struct {
	Cause, Remedy string
	// Controls are of the CIS Docker Benchmark, as versions 1.6 to 1.8 number them,
	// "CIS Docker 5.5" (up to 1.5 it was 5.4), and of the levels of Kubernetes' Pod
	// Security Standards, "PSS baseline: Capabilities".
	Controls []string
}

// advice is by the id of a finding.
func advice() map[string]Advice {
	return map[string]Advice{
		"capabilities":        {"--cap-add, --privileged or what the runtime gives by default; privileged: true", "drop all capabilities and add only those that the program needs: capsh assess --format=docker --need=LIST, with the LIST that capset --discover finds", []string{"CIS Docker 5.4", "CIS Docker 5.5", "PSS baseline: Privileged Containers", "PSS baseline: Capabilities"}},
		"pid-namespace":       {"--pid=host; hostPID: true", "do not share the PID namespace", []string{"CIS Docker 5.16", "PSS baseline: Host Namespaces"}},
		"mnt-namespace":       {"no mount namespace", "run it from an image, with a root directory of its own", nil},
		"net-namespace":       {"--network=host; hostNetwork: true", "publish ports instead", []string{"CIS Docker 5.10", "PSS baseline: Host Namespaces"}},
		"ipc-namespace":       {"--ipc=host; hostIPC: true", "do not share the IPC namespace", []string{"CIS Docker 5.17", "PSS baseline: Host Namespaces"}},
		"uts-namespace":       {"--uts=host", "do not share the UTS namespace", []string{"CIS Docker 5.21"}},
		"user-namespace":      {"no user namespace, or one that maps the host's uid 0", "use --userns=auto, userns-remap or hostUsers: false", []string{"CIS Docker 5.31"}},
		"cgroup-namespace":    {"--cgroupns=host", "use --cgroupns=private", nil},
		"runtime-socket":      {"-v /var/run/docker.sock", "do not mount the socket", []string{"CIS Docker 5.32", "PSS baseline: HostPath Volumes"}},
		"devices":             {"--device, -v /dev:/dev or --privileged", "give only the devices that are needed, without disks and memory", []string{"CIS Docker 5.18"}},
		"device-cgroup":       {"--device-cgroup-rule, --privileged, or writable cgroups of the host", "permit no disks, and drop MKNOD", []string{"CIS Docker 5.18"}},
		"host-proc":           {"-v /proc:/host/proc", "do not mount the host's /proc", []string{"CIS Docker 5.6", "PSS baseline: HostPath Volumes"}},
		"host-root":           {"-v /:/host; a hostPath of /", "mount only the directories that are needed, read-only", []string{"CIS Docker 5.6", "PSS baseline: HostPath Volumes"}},
		"host-directories":    {"-v of a directory of the host; hostPath", "mount only what is needed, read-only, or use a volume", []string{"CIS Docker 5.6", "PSS baseline: HostPath Volumes"}},
		"proc-sys":            {"--privileged, systempaths=unconfined, unmask or -v /proc/sys", "leave /proc/sys read-only; use --sysctl", []string{"CIS Docker 5.5", "PSS baseline: /proc Mount Type"}},
		"proc-masks":          {"--privileged, systempaths=unconfined or unmask; procMount: Unmasked", "leave /proc masked", []string{"CIS Docker 5.5", "PSS baseline: /proc Mount Type"}},
		"sysfs":               {"--privileged or -v /sys", "leave /sys read-only", []string{"CIS Docker 5.5", "CIS Docker 5.6"}},
		"kernel-filesystems":  {"--privileged or -v of a filesystem of the kernel", "do not mount it", []string{"CIS Docker 5.6"}},
		"cgroupfs":            {"--privileged or -v /sys/fs/cgroup", "leave cgroups read-only", []string{"CIS Docker 5.5", "CIS Docker 5.6"}},
		"seccomp":             {"--security-opt=seccomp=unconfined or --privileged; no seccompProfile", "use the runtime's profile; seccompProfile: RuntimeDefault", []string{"CIS Docker 5.22", "PSS restricted: Seccomp"}},
		"lsm":                 {"--security-opt=apparmor=unconfined, label=disable, or no security module on the host", "use the runtime's AppArmor or SELinux profile", []string{"CIS Docker 5.2", "CIS Docker 5.3", "PSS baseline: AppArmor", "PSS baseline: SELinux"}},
		"no-new-privs":        {"no --security-opt=no-new-privileges; allowPrivilegeEscalation: true", "set no-new-privileges", []string{"CIS Docker 5.26", "PSS restricted: Privilege Escalation"}},
		"new-user-namespaces": {"a seccomp filter that permits them, or none", "use a filter that stops unshare and clone of user namespaces", nil},
	}
}

// advise adds the advice to what is more than information.
func (a *Assessment) advise() {
	known := advice()
	for i := range a.Findings {
		if x := &a.Findings[i]; x.Severity > Info && x.Severity != Unread {
			x.Advice = known[x.ID]
		}
	}
}

// Summary is the verdict with the number of findings of each severity from medium up,
// and what to do about the worst: "PRIVILEGED: 5 critical, 2 medium. Next, ...".
func (a *Assessment) Summary() string {
	var counts []string
	for _, s := range [...]Severity{Critical, High, Medium, Unread} {
		if n := a.count(s); n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, s))
		}
	}
	text := strings.ToUpper(a.Verdict.String()) + ": "
	if counts == nil {
		return text + "no findings of medium severity or higher."
	}
	text += strings.Join(counts, ", ") + "."
	worst := slices.IndexFunc(a.Findings, func(x Finding) bool { return x.Severity >= Medium && x.Remedy != "" })
	switch {
	case worst >= 0:
		text += " Next, to resolve '" + a.Findings[worst].ID + "': " + a.Findings[worst].Remedy + "."
	case slices.ContainsFunc(a.Findings, func(x Finding) bool { return x.Severity == Unread && x.ID != "device-cgroup" }):
		text += " Next: run capsh as root on the host, which can read more." // not the device cgroup's rules
	}
	return text
}
