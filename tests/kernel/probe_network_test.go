package kernel

import (
	"encoding/binary"

	"capsh/internal/rules/caps"

	"golang.org/x/sys/unix"
)

// Networks.
var networkProbes = []probe{
	{cap: caps.NetBindService, claim: "TCP, UDP and SCTP", name: "TCP port", needs: aNetwork, inside: true, denied: unix.EACCES,
		try: func(*stage) error { return bind(unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Port: 1}) }},
	{cap: caps.NetBindService, claim: "TCP, UDP and SCTP", name: "UDP port", needs: aNetwork, inside: true, denied: unix.EACCES,
		try: func(*stage) error { return bind(unix.AF_INET6, unix.SOCK_DGRAM, &unix.SockaddrInet6{Port: 1023}) }},
	{cap: caps.NetBindService, claim: "vsock", name: "vsock port", denied: unix.EACCES,
		try: func(*stage) error {
			return bind(unix.AF_VSOCK, unix.SOCK_STREAM, &unix.SockaddrVM{CID: unix.VMADDR_CID_ANY, Port: 1021})
		}},

	{cap: caps.NetBroadcast, claim: "other network namespaces", name: "listen to all namespaces", needs: aNetwork, inside: true,
		try: func(*stage) error { return option(unix.AF_NETLINK, unix.SOL_NETLINK, unix.NETLINK_LISTEN_ALL_NSID, 1) }},

	{cap: caps.NetAdmin, claim: "configure interfaces", name: "bring up the loopback", needs: aNetwork, inside: true,
		try: func(*stage) error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
			if err != nil {
				return err
			}
			request, err := unix.NewIfreq("lo")
			if err != nil {
				return err
			}
			request.SetUint16(unix.IFF_UP)
			return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request)
		}},
	{cap: caps.NetAdmin, claim: "configure interfaces", name: "configure the host's network", want: unix.ENODEV,
		try: func(*stage) error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
			if err != nil {
				return err
			}
			request, err := unix.NewIfreq("nosuchdevice0")
			if err != nil {
				return err
			}
			return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request)
		}},
	{cap: caps.NetAdmin, claim: "routes", name: "delete a missing link", needs: aNetwork, inside: true, want: unix.ENODEV,
		try: func(*stage) error {
			// A link that does not exist (struct ifinfomsg).
			return netlink(unix.NETLINK_ROUTE, unix.RTM_DELLINK, append(make([]byte, 4), 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
		}},
	{cap: caps.NetAdmin, claim: "firewall", name: "netfilter request", needs: aNetwork, inside: true, want: unix.EINVAL,
		try: func(*stage) error {
			return netlink(unix.NETLINK_NETFILTER, 0xff00, []byte{unix.AF_INET, 0, 0, 0}) // of no subsystem
		}},
	{cap: caps.NetAdmin, claim: "multicast lists", name: "add a multicast address", needs: aNetwork, inside: true, want: unix.EINVAL,
		try: func(*stage) error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
			if err != nil {
				return err
			}
			request, err := unix.NewIfreq("lo")
			if err != nil {
				return err
			}
			request.SetUint16(1) // a family of addresses that it does not take
			return unix.IoctlIfreq(fd, unix.SIOCADDMULTI, request)
		}},
	{cap: caps.NetAdmin, claim: "IP_TRANSPARENT", name: "foreign addresses", needs: aNetwork, inside: true,
		try: func(*stage) error { return option(unix.AF_INET, unix.SOL_IP, unix.IP_TRANSPARENT, 1) }},
	{cap: caps.NetAdmin, claim: "SO_MARK", name: "mark", needs: aNetwork, inside: true,
		try: func(*stage) error { return option(unix.AF_INET, unix.SOL_SOCKET, unix.SO_MARK, 1) }},
	{cap: caps.NetAdmin, claim: "SO_PRIORITY", name: "priority", needs: aNetwork, inside: true,
		try: func(*stage) error { return option(unix.AF_INET, unix.SOL_SOCKET, unix.SO_PRIORITY, 7) }},
	{cap: caps.NetAdmin, claim: "SO_DEBUG", name: "debug", needs: aNetwork, denied: unix.EACCES,
		try: func(*stage) error { return option(unix.AF_INET, unix.SOL_SOCKET, unix.SO_DEBUG, 1) }},
	{cap: caps.NetAdmin, claim: "SO_RCVBUFFORCE", name: "receive buffer", needs: aNetwork,
		try: func(*stage) error { return option(unix.AF_INET, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 1<<20) }},
	{cap: caps.NetAdmin, claim: "SO_SNDBUFFORCE", name: "send buffer", needs: aNetwork,
		try: func(*stage) error { return option(unix.AF_INET, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 1<<20) }},
	{cap: caps.NetAdmin, claim: "IPsec", name: "IPsec keys", needs: aNetwork, inside: true,
		try: func(*stage) error { return socket(unix.AF_KEY, unix.SOCK_RAW, 2) }},
	{cap: caps.NetAdmin, claim: "TCP_REPAIR", name: "repair a connection", needs: aNetwork, inside: true,
		try: func(*stage) error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			return unix.SetsockoptInt(fd, unix.SOL_TCP, unix.TCP_REPAIR, 1)
		}},
	{cap: caps.NetAdmin, claim: "network sysctls", name: "write a sysctl", needs: aNetwork, inside: true, denied: unix.EACCES,
		try: func(*stage) error { return openOnly("/proc/sys/net/ipv4/ip_forward", unix.O_WRONLY) }},
	{cap: caps.NetAdmin, claim: "DEVMAP", name: "create a DEVMAP", with: caps.BPF.Set(),
		try: func(*stage) error { return createMap(14) }},

	{cap: caps.NetRaw, claim: "open raw sockets", name: "raw socket", needs: aNetwork, inside: true,
		try: func(*stage) error { return socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP) }},
	{cap: caps.NetRaw, claim: "open raw sockets", name: "raw socket of the host's network",
		try: func(*stage) error { return socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP) }},
	{cap: caps.NetRaw, claim: "open packet sockets", name: "packet socket", needs: aNetwork, inside: true,
		try: func(*stage) error { return socket(unix.AF_PACKET, unix.SOCK_RAW, 0) }},
	{cap: caps.NetRaw, claim: "AF_XDP", name: "AF_XDP socket", needs: aNetwork, inside: true,
		try: func(*stage) error { return socket(unix.AF_XDP, unix.SOCK_RAW, 0) }},
	{cap: caps.NetRaw, claim: "IP_TRANSPARENT", name: "foreign addresses", needs: aNetwork, inside: true,
		try: func(*stage) error { return option(unix.AF_INET, unix.SOL_IP, unix.IP_TRANSPARENT, 1) }},
	{cap: caps.NetRaw, claim: "SO_MARK", name: "mark", needs: aNetwork, inside: true,
		try: func(*stage) error { return option(unix.AF_INET, unix.SOL_SOCKET, unix.SO_MARK, 1) }},
	{cap: caps.NetRaw, claim: "bind a socket to an interface", name: "change the interface", needs: aNetwork, inside: true,
		try: func(*stage) error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
			if err != nil {
				return err
			}
			if err := unix.BindToDevice(fd, "lo"); err != nil {
				return err
			}
			return unix.BindToDevice(fd, "")
		}},
}

func socket(family, kind, protocol int) error {
	_, err := unix.Socket(family, kind, protocol)
	return err
}

func bind(family, kind int, address unix.Sockaddr) error {
	fd, err := unix.Socket(family, kind, 0)
	if err != nil {
		return err
	}
	return unix.Bind(fd, address)
}

// option sets an option of a new socket.
func option(family, level, name, value int) error {
	kind := unix.SOCK_DGRAM
	if family == unix.AF_NETLINK {
		kind = unix.SOCK_RAW
	}
	fd, err := unix.Socket(family, kind, 0)
	if err != nil {
		return err
	}
	return unix.SetsockoptInt(fd, level, name, value)
}

// netlink sends a request and returns the error of its acknowledgement.
func netlink(protocol int, kind uint16, payload []byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW, protocol)
	if err != nil {
		return err
	}
	message := binary.NativeEndian.AppendUint32(nil, uint32(16+len(payload)))
	message = binary.NativeEndian.AppendUint16(message, kind)
	message = binary.NativeEndian.AppendUint16(message, unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	message = append(append(message, 1, 0, 0, 0, 0, 0, 0, 0), payload...)
	if err := unix.Sendto(fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 8192)
	for {
		n, _, err := unix.Recvfrom(fd, answer, 0)
		if err != nil {
			return err
		}
		if n >= 20 && binary.NativeEndian.Uint16(answer[4:]) == unix.NLMSG_ERROR {
			if code := int32(binary.NativeEndian.Uint32(answer[16:])); code != 0 {
				return unix.Errno(-code)
			}
			return nil
		}
	}
}
