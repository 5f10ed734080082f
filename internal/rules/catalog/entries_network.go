package catalog

import "capsh/internal/rules/caps"

// Capabilities over networks.
var networkEntries = []Entry{{
	Cap:   caps.NetBindService,
	Since: "2.2",
	Brief: "bind to ports below 1024",
	Permits: []Claim{
		{"bind TCP, UDP and SCTP sockets to ports below net.ipv4.ip_unprivileged_port_start, 1024 unless changed", "ip(7); net/ipv4/af_inet.c __inet_bind"},
		{"bind vsock sockets to ports below 1024", "vsock(7); net/vmw_vsock/af_vsock.c __vsock_bind_connectible"},
		{"bind Bluetooth L2CAP sockets to reserved protocol numbers", "net/bluetooth/l2cap_sock.c l2cap_validate_bredr_psm, l2cap_validate_le_psm"},
		{"bind to ATM virtual channels below 32", "net/atm/common.c __vcc_connect"},
	},
	Use:    "Web, DNS and mail servers that do not run as root. Not needed for IP ports where the sysctl is 0, as in containers of Docker 20.10 and later.",
	Danger: Claim{"A process can serve the well-known port of a system service that is not running. With the host's network that is a port of the host.", "net/ipv4/af_inet.c __inet_bind"},
	Host:   HostNo,
	UserNS: InPart,
	Inside: Claim{"It applies to IP ports of network namespaces that this user namespace owns. vsock ports need it in the initial user namespace.", "net/ipv4/af_inet.c __inet_bind: ns_capable(net->user_ns); net/vmw_vsock/af_vsock.c __vsock_bind_connectible: capable"},
}, {
	Cap:   caps.NetBroadcast,
	Since: "2.2",
	Brief: "receive other namespaces' netlink",
	Permits: []Claim{
		{"let a netlink socket receive the broadcasts of other network namespaces (NETLINK_LISTEN_ALL_NSID, Linux 4.2)", "netlink(7); net/netlink/af_netlink.c netlink_setsockopt"},
	},
	Use:    "Rare: network managers that follow several namespaces through one socket. Despite its name, sending broadcasts and joining multicast groups do not need it.",
	Danger: Claim{"A process learns the links, addresses and routes of network namespaces that have an id in its own.", "net/netlink/af_netlink.c do_one_broadcast"},
	Host:   HostNo,
	UserNS: InFull,
	Inside: Claim{"It applies to sockets of network namespaces that this user namespace owns.", "net/netlink/af_netlink.c netlink_setsockopt: ns_capable(net->user_ns)"},
}, {
	Cap:   caps.NetAdmin,
	Since: "2.2",
	Brief: "configure the network",
	Permits: []Claim{
		{"configure interfaces, addresses, routes, tunnels, bridges and VLANs, for which the kernel loads drivers on demand", "netdevice(7), rtnetlink(7); net/core/rtnetlink.c rtnetlink_rcv_msg; net/core/dev_ioctl.c dev_ioctl"},
		{"change firewall, NAT and traffic control rules", "net/netfilter/nfnetlink.c nfnetlink_rcv"},
		{"create TUN and TAP devices and other virtual interfaces", "drivers/net/tun.c tun_set_iff"},
		{"put an interface into promiscuous mode and change multicast lists", "netdevice(7); net/core/dev_ioctl.c dev_ioctl"},
		{"bind to addresses that the host does not have (IP_TRANSPARENT; CAP_NET_RAW also permits it)", "ip(7); net/ipv4/ip_sockglue.c do_ip_setsockopt"},
		{"set SO_MARK and SO_PRIORITY values above 6 (CAP_NET_RAW too, from Linux 5.17)", "socket(7); net/core/sock.c sk_setsockopt"},
		{"set SO_DEBUG, SO_RCVBUFFORCE and SO_SNDBUFFORCE", "socket(7); net/core/sock.c sk_setsockopt"},
		{"set driver options, read device registers and clear statistics with ethtool", "net/ethtool/ioctl.c __dev_ethtool"},
		{"configure IPsec, end other processes' connections (SOCK_DESTROY), and set up TCP connections by hand (TCP_REPAIR)", "net/key/af_key.c pfkey_create; net/ipv4/inet_diag.c inet_diag_handler_cmd; net/ipv4/tcp.c tcp_can_repair_sock"},
		{"write the network sysctls of its namespace", "net/sysctl_net.c net_ctl_permissions"},
		{"load BPF programs of the network kind and create their maps (DEVMAP, SOCKMAP, XSKMAP), together with CAP_BPF", "kernel/bpf/syscall.c map_create, bpf_prog_load"},
	},
	Use:    "VPN clients, network plug-ins, firewalls, DHCP clients, routing daemons.",
	Danger: Claim{"In a network namespace of its own a process can redirect only the container's traffic, but it reaches kernel code (netfilter, traffic control) that has had many exploitable bugs. With the host's network it can open the firewall and redirect or read all traffic of the host.", "net/core/rtnetlink.c rtnetlink_rcv_msg; net/netfilter/nfnetlink.c nfnetlink_rcv"},
	Host:   HostWithNetwork,
	UserNS: InPart,
	Inside: Claim{"It applies to network namespaces that this user namespace owns. SO_DEBUG, SO_RCVBUFFORCE, SO_SNDBUFFORCE and some driver operations need it in the initial user namespace.", "net/core/rtnetlink.c rtnetlink_rcv_msg: netlink_net_capable; net/core/sock.c sockopt_capable"},
}, {
	Cap:   caps.NetRaw,
	Since: "2.2",
	Brief: "use raw and packet sockets",
	Permits: []Claim{
		{"open raw sockets, for IP packets of its own making", "raw(7); net/ipv4/af_inet.c inet_create"},
		{"open packet sockets, which receive and send whole frames", "packet(7); net/packet/af_packet.c packet_create"},
		{"open AF_XDP sockets, which exchange frames with a driver directly", "net/xdp/xsk.c xsk_create"},
		{"bind to addresses that the host does not have (IP_TRANSPARENT; CAP_NET_ADMIN also permits it)", "ip(7); net/ipv4/ip_sockglue.c do_ip_setsockopt"},
		{"set SO_MARK and SO_PRIORITY values above 6 (from Linux 5.17)", "socket(7); net/core/sock.c sk_setsockopt"},
		{"bind a socket to an interface (needed before Linux 5.7; since then to change or remove a binding)", "socket(7); net/core/sock.c sock_bindtoindex_locked"},
	},
	Use:    "ping and traceroute of the older kind, tcpdump, nmap, DHCP. ping works without it where net.ipv4.ping_group_range includes the group.",
	Danger: Claim{"A process can forge packets and ARP replies, and so impersonate other containers on the same bridge. With the host's network it reads all traffic of the host. Kubernetes' baseline policy does not let pods add it.", "net/packet/af_packet.c packet_create"},
	Host:   HostWithNetwork,
	UserNS: InPart,
	Inside: Claim{"It applies to network namespaces that this user namespace owns; a socket of the host's network needs it in the initial user namespace.", "net/ipv4/af_inet.c inet_create, net/packet/af_packet.c packet_create: ns_capable(net->user_ns)"},
}}
