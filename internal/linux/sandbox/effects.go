package sandbox

import (
	"strconv"
	"strings"

	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
)

// effects reads what of its network namespace takes effect away from capabilities. /proc/sys/net shows the
// reader's network namespace, whichever process's procfs it is reached by
// (net_ctl_root, net/sysctl_net.c): that of another is unknown.
func (r root) effects(f *container.Facts) {
	own, err := r.Own("thread-self").Namespace("net")
	if ns := f.Namespaces[container.NetNS].Inode; err != nil || !own.OK || own != ns {
		return
	}
	if n := r.numbers("sys/net/ipv4/ip_unprivileged_port_start"); len(n) == 1 {
		f.Settings.PortStart = cred.Is(n[0])
	}
	// A group that the reader's user namespace does not map is shown as the overflow
	// id: what the range is then is unknown (ipv4_ping_group_range,
	// net/ipv4/sysctl_net_ipv4.c).
	const overflow = 65534
	if n := r.numbers("sys/net/ipv4/ping_group_range"); len(n) == 2 && n[0] != overflow && n[1] != overflow {
		f.Settings.PingGroups = cred.Is([2]uint32{n[0], n[1]})
	}
}

// numbers are those of a file of one line; none where it cannot be read.
func (r root) numbers(name string) (list []uint32) {
	for _, word := range strings.Fields(r.text(name).Value) {
		n, err := strconv.ParseUint(word, 10, 32)
		if err != nil {
			return nil
		}
		list = append(list, uint32(n))
	}
	return list
}
