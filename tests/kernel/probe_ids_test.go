package kernel

import (
	"capsh/internal/rules/caps"
	"capsh/internal/testenv/helper"

	"golang.org/x/sys/unix"
)

// Ids, capability sets and the root directory.
var idProbes = []probe{
	{cap: caps.Setgid, claim: "group ids", name: "setresgid", inside: true,
		try: func(*stage) error { return helper.SetIDs(unix.SYS_SETRESGID, another, another, another) }},
	{cap: caps.Setgid, claim: "supplementary groups", name: "setgroups", inside: true,
		try: func(*stage) error { return helper.SetGroups([]uint32{another}) }},
	{cap: caps.Setgid, claim: "credentials over a Unix socket", name: "credentials", inside: true,
		try: func(*stage) error { return sendCredentials(unix.Getpid(), prober, another) }},

	{cap: caps.Setuid, claim: "user ids", name: "setresuid", inside: true,
		try: func(*stage) error { return helper.SetIDs(unix.SYS_SETRESUID, 0, 0, 0) }},
	{cap: caps.Setuid, claim: "user ids", name: "setfsuid", inside: true,
		try: func(*stage) error {
			unix.SetfsuidRetUid(another)
			if was, _ := unix.SetfsuidRetUid(another); was != another {
				return unix.EPERM
			}
			return nil
		}},
	{cap: caps.Setuid, claim: "credentials over a Unix socket", name: "credentials", inside: true,
		try: func(*stage) error { return sendCredentials(unix.Getpid(), another, prober) }},

	{cap: caps.Setuid, claim: "persistent keyring", name: "another's persistent keyring", inside: true,
		try: func(*stage) error {
			const processKeyring = ^uintptr(1) // -2
			return call(unix.SYS_KEYCTL, unix.KEYCTL_GET_PERSISTENT, another, processKeyring)
		}},

	{cap: caps.Setpcap, claim: "inheritable set", name: "add to inheritable", inside: true,
		try: func(*stage) error {
			_, permitted, _, err := helper.Capget(0)
			if err != nil {
				return err
			}
			return helper.SetCaps(permitted, permitted, caps.Chown.Set())
		}},
	{cap: caps.Setpcap, claim: "bounding set", name: "drop from bounding", inside: true,
		try: func(*stage) error { return unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(caps.Chown), 0, 0, 0) }},
	{cap: caps.Setpcap, claim: "securebits", name: "set securebits", inside: true,
		try: func(*stage) error { return unix.Prctl(unix.PR_SET_SECUREBITS, 1, 0, 0, 0) }},

	{cap: caps.SysChroot, claim: "root directory", name: "chroot", inside: true,
		before: func(*stage) error { return call(unix.SYS_UNSHARE, unix.CLONE_FS) },
		try:    func(*stage) error { return unix.Chroot("/") }},
	{cap: caps.SysChroot, claim: "enter another mount namespace", name: "enter a mount namespace", inside: true, with: caps.SysAdmin.Set(),
		before: func(s *stage) (err error) {
			if err = call(unix.SYS_UNSHARE, unix.CLONE_FS|unix.CLONE_NEWNS); err == nil {
				s.fd, err = unix.Open("/proc/thread-self/ns/mnt", unix.O_RDONLY, 0)
			}
			return err
		},
		try: func(s *stage) error { return unix.Setns(s.fd, unix.CLONE_NEWNS) }},
}

// sendCredentials sends ids over a Unix socket to itself.
func sendCredentials(pid int, uid, gid uint32) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	oob := unix.UnixCredentials(&unix.Ucred{Pid: int32(pid), Uid: uid, Gid: gid})
	return unix.Sendmsg(pair[0], []byte("x"), oob, nil, 0)
}
