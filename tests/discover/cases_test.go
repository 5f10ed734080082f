package discover

// program is one case: {W} is a directory of its own, {P} a port.
type program struct {
	name string
	// user is a uid that is its gid as well; empty for root.
	user                string
	check, ready, reset string
	// timeout is short only where the program hangs if it is refused something.
	timeout string
	options []string
	// setup and undo are scripts that run before and after.
	setup, undo string
	argv        []string
	tools       []string
	// want are the sets that may be claimed, as setpriv has them, with | between;
	// reason is why none can be.
	want, reason string
	warning      string
	// hostPIDs says that it is about processes outside of it.
	hostPIDs bool
}

func sh(script string) []string { return []string{"/bin/sh", "-c", script} }

const nobody = "65534"

// get is a check that a server answers.
const get = "busybox wget -q -O /dev/null http://127.0.0.1:{P}/"

var cases = []program{
	{name: "true", argv: []string{"true"}},
	{name: "true, nobody", user: nobody, argv: []string{"true"}},
	{name: "ls", argv: []string{"ls", "-R", "/etc/apt"}},
	{name: "false", argv: []string{"false"}, reason: "fails-with-all"},
	{name: "every other time", argv: sh(`if test -e {W}/f; then rm {W}/f; exit 1; fi; touch {W}/f`), reason: "flaky"},
	{name: "two of three times", argv: sh(`echo >>{W}/n; test $(($(wc -l <{W}/n) % 3)) != 0`), reason: "flaky"},
	{name: "one of three times", argv: sh(`echo >>{W}/n; test $(($(wc -l <{W}/n) % 3)) = 0`), reason: "flaky"},
	{name: "hangs", timeout: "500ms", argv: []string{"sleep", "1000"}, reason: "does-not-end"},
	{name: "refuses", argv: sh(`grep -q "CapEff:.0000000000000000" /proc/self/status`), reason: "refuses-capabilities"},
	{name: "refuses, nobody", user: nobody, argv: sh(`grep -q "CapEff:.0000000000000000" /proc/self/status`), reason: "refuses-capabilities"},
	{name: "leaves a daemon", argv: sh(`setsid sh -c 'trap "" TERM; sleep 1000' & exit 0`)},

	{name: "a file permits, and the program raises", user: nobody, setup: "cp $(which ping) {W}/ping; setcap cap_net_raw+p {W}/ping", argv: []string{"{W}/ping", "-c1", "127.0.0.1"}, warning: "--allow-mismatch", want: "net_raw"},
	{name: "a file permits what is not needed", user: nobody, setup: "cp $(which true) {W}/p; setcap cap_chown+p {W}/p", argv: []string{"{W}/p"}},
	{name: "a file gives what is not needed", user: nobody, setup: "cp $(which true) {W}/p; setcap cap_chown+ep {W}/p", argv: []string{"{W}/p"}, want: "chown"},
	{name: "inheritable in a file", user: nobody, setup: "cp $(which dmesg) {W}/p; setcap cap_syslog+ei {W}/p", argv: []string{"{W}/p"}, want: "syslog"},
	{name: "stops its parent", timeout: "500ms", argv: sh("kill -STOP $PPID; sleep 1000"), reason: "does-not-end"},

	{name: "ping", argv: []string{"ping", "-c1", "127.0.0.1"}, tools: []string{"ping"}, want: "net_raw"},
	{name: "ping, nobody", user: nobody, argv: []string{"ping", "-c1", "127.0.0.1"}, want: "net_raw"},
	{name: "ping without file capabilities", setup: "cp $(which ping) {W}/ping", argv: []string{"{W}/ping", "-c1", "127.0.0.1"}, want: "net_raw"},
	{name: "ping without file capabilities, nobody", user: nobody, setup: "cp $(which ping) {W}/ping", argv: []string{"{W}/ping", "-c1", "127.0.0.1"}, want: "net_raw"},
	{name: "httpd", check: get, setup: "touch {W}/index.html", argv: []string{"busybox", "httpd", "-f", "-p", "{P}", "-h", "{W}"}, want: "net_bind_service"},
	{name: "httpd, nobody", user: nobody, check: get, setup: "touch {W}/index.html", argv: []string{"busybox", "httpd", "-f", "-p", "{P}", "-h", "{W}"}, want: "net_bind_service"},
	{name: "httpd as a daemon", check: get, setup: "touch {W}/index.html", argv: []string{"busybox", "httpd", "-p", "{P}", "-h", "{W}"}, want: "net_bind_service"},
	{name: "nginx, fresh", check: get, setup: nginx, reset: "rm -rf {W}/t {W}/pid; mkdir {W}/t", argv: []string{"nginx", "-e", "stderr", "-c", "{W}/conf"}, timeout: "6s", tools: []string{"nginx"}, want: "chown,setgid,setuid,net_bind_service"},
	{name: "nginx, warm", check: get, setup: nginx, argv: []string{"nginx", "-e", "stderr", "-c", "{W}/conf"}, timeout: "6s", want: "setgid,setuid,net_bind_service"},
	{name: "nginx, nobody", user: nobody, check: get, setup: nginx + "\nchmod 777 {W} {W}/t", argv: []string{"nginx", "-e", "stderr", "-c", "{W}/conf"}, want: "net_bind_service"},
	{name: "entrypoint, fresh volume", setup: entrypoint, reset: "rm -f {W}/data/*; chown 0 {W}/data", argv: []string{"{W}/entry"}, want: "chown,setgid,setuid"},
	{name: "entrypoint, used volume", setup: entrypoint, argv: []string{"{W}/entry"}, want: "setgid,setuid"},
	{name: "entrypoint, nobody", user: nobody, setup: entrypoint + "\nchown 65534 {W}/data", argv: []string{"{W}/entry"}},
	{name: "dnsmasq", check: "python3 {W}/ask", setup: ask, argv: []string{"dnsmasq", "-k", "-C", "/dev/null", "-p", "{P}", "-x", "", "-u", "nobody", "--no-resolv", "--address=/x.test/192.0.2.1"}, timeout: "6s", tools: []string{"dnsmasq", "python3"}, want: "setgid,setuid,net_bind_service"},
	{name: "memcached", check: "bash -c 'exec 3<>/dev/tcp/127.0.0.1/1{P}'", argv: []string{"memcached", "-u", "nobody", "-p", "1{P}", "-U", "0", "-l", "127.0.0.1"}, tools: []string{"memcached", "bash"}, want: "setgid,setuid"},
	{name: "tcpdump", argv: []string{"bash", "-c", `while sleep 0.1; do echo >/dev/udp/127.0.0.1/9; done & exec tcpdump -i lo -c 1 -w /dev/null -Z root`}, tools: []string{"tcpdump"}, want: "setgid,net_raw"},
	{name: "tar", setup: "mkdir {W}/in {W}/out; touch {W}/in/f; chown 1000:1000 {W}/in/f; tar -C {W}/in -cf {W}/a.tar .", reset: "rm -rf {W}/out; mkdir {W}/out", argv: []string{"tar", "-C", "{W}/out", "-xpf", "{W}/a.tar"}, want: "chown,fowner"},
	{name: "cp -a", setup: "touch {W}/f; chown 1000:1000 {W}/f; chmod 600 {W}/f", reset: "rm -f {W}/g", argv: []string{"cp", "-a", "{W}/f", "{W}/g"}, want: "chown,dac_override,fowner"},
	{name: "install", setup: "touch {W}/f", reset: "rm -f {W}/g", argv: []string{"install", "-o", "1000", "-m", "640", "{W}/f", "{W}/g"}, want: "chown,fowner"},
	{name: "chown, fresh", setup: "touch {W}/f", reset: "chown 0 {W}/f", argv: []string{"chown", "1000", "{W}/f"}, want: "chown"},
	{name: "chown where it is needed", setup: "touch {W}/f", argv: sh(`test $(stat -c %u {W}/f) = 1000 || chown 1000 {W}/f`), warning: "first run"},
	{name: "mount", setup: "mkdir {W}/m", reset: "umount {W}/m", undo: "umount {W}/m 2>/dev/null || true", argv: []string{"mount", "-t", "tmpfs", "none", "{W}/m"}, want: "sys_admin"},
	{name: "nsenter", argv: sh("sleep 5 & exec nsenter -t $! -m true"), want: "sys_chroot,sys_admin"},
	{name: "unshare", argv: []string{"unshare", "-n", "true"}, want: "sys_admin"},
	{name: "iptables", argv: []string{"iptables", "-w", "-S"}, tools: []string{"iptables"}, want: "net_admin"},
	{name: "ip link", argv: []string{"ip", "link", "set", "lo", "up"}, tools: []string{"ip"}, want: "net_admin"},
	{name: "strace", argv: []string{"strace", "-o", "/dev/null", "true"}, tools: []string{"strace"}},
	{name: "sysctl", argv: sh(`sysctl -q -w kernel.dmesg_restrict=$(cat /proc/sys/kernel/dmesg_restrict)`), tools: []string{"sysctl"}, want: "sys_admin"},
	{name: "su", argv: []string{"su", "nobody", "-s", "/bin/sh", "-c", "true"}, want: "setgid,setuid"},
	{name: "runuser", argv: []string{"runuser", "-u", "nobody", "true"}, want: "setgid,setuid"},
	{name: "setpriv", argv: []string{"setpriv", "--reuid=1", "--regid=1", "--clear-groups", "true"}, want: "setgid,setuid"},
	{name: "dmesg", argv: []string{"dmesg"}, want: "syslog"},
	{name: "three children down", setup: "touch {W}/f", reset: "chown 0 {W}/f", argv: sh(`sh -c 'sh -c "sh -c \"chown 1 {W}/f\"; exit \$?" || exit 9'`), want: "chown"},
	{name: "another's file", setup: "touch {W}/f; chown 1000 {W}/f; chmod 600 {W}/f", argv: []string{"cat", "{W}/f"}, want: "dac_override|dac_read_search"},
	{name: "another's program", setup: "cp $(which true) {W}/p; chown 1000 {W}/p; chmod 700 {W}/p", argv: []string{"{W}/p"}, want: "dac_override"},
	{name: "nice", options: []string{"--expect-output"}, argv: []string{"nice", "-n", "-5", "nice"}, want: "sys_nice"},
	{name: "nice by status", argv: []string{"nice", "-n", "-5", "true"}},
	{name: "mknod", reset: "rm -f {W}/n", argv: []string{"mknod", "{W}/n", "c", "1", "3"}, want: "mknod"},
	{name: "chroot", argv: []string{"chroot", "/", "true"}, want: "sys_chroot"},
	{name: "kill", setup: "setpriv --reuid=1 --clear-groups sleep 1000 >/dev/null 2>&1 & echo $! >{W}/pid", undo: "kill $(cat {W}/pid)", argv: sh("kill -0 $(cat {W}/pid)"), hostPIDs: true, want: "kill"},
	{name: "setcap", setup: "touch {W}/f", argv: []string{"setcap", "cap_net_raw+p", "{W}/f"}, want: "setfcap"},
	{name: "bounding set", argv: []string{"setpriv", "--bounding-set=-chown", "true"}, want: ""},
	{name: "mlock", argv: sh(`ulimit -l 0; exec python3 -c 'import ctypes,sys; m=ctypes.create_string_buffer(65536); sys.exit(ctypes.CDLL(None).mlock(m,65536) != 0)'`), tools: []string{"python3"}, want: "ipc_lock"},
	{name: "setuid program", user: nobody, options: []string{"--allow-new-privs"}, setup: "touch {W}/f; cp $(which chown) {W}/chown; chmod 4755 {W}/chown", reset: "chown 0 {W}/f", argv: []string{"{W}/chown", "1000", "{W}/f"}, want: "chown"},
	{name: "setuid program without new privileges", user: nobody, setup: "touch {W}/f; cp $(which chown) {W}/chown; chmod 4755 {W}/chown", reset: "chown 0 {W}/f", argv: []string{"{W}/chown", "1000", "{W}/f"}, want: "chown"},
	{name: "chattr +i", setup: "touch {W}/f; chown 7 {W}/f", reset: "chattr -i {W}/f", undo: "chattr -i {W}/f || true", argv: []string{"chattr", "+i", "{W}/f"}, tools: []string{"chattr"}, want: "fowner,linux_immutable"},
	{name: "trusted attribute", setup: "touch {W}/f", argv: []string{"python3", "-c", `import os; os.setxattr("{W}/f", "trusted.x", b"1")`}, tools: []string{"python3"}, want: "sys_admin"},
	{name: "sticky directory", setup: "mkdir {W}/d; chown 7 {W}/d; chmod 1777 {W}/d", reset: "touch {W}/d/f; chown 7 {W}/d/f", argv: []string{"rm", "{W}/d/f"}, want: "fowner"},
	{name: "group of another", user: nobody, setup: "touch {W}/f; chown 65534:7 {W}/f", reset: "chmod 755 {W}/f", argv: sh("chmod 2755 {W}/f; test -g {W}/f"), want: "fsetid"},
	{name: "closes all files", argv: sh("exec <&- >&- 2>&-; dmesg >/dev/null"), want: "syslog"},
	{name: "hangs without", timeout: "1s", argv: sh("dmesg >/dev/null 2>&1 || sleep 1000"), want: "syslog"},
	{name: "one or the other", argv: sh("dmesg >/dev/null 2>&1 || chroot / true"), want: "sys_chroot"},
	{name: "asks no kernel check", argv: []string{"grep", "-q", "^CapEff:.*[2367abef].$", "/proc/self/status"}, want: "kill"},
	{name: "unshare -r", argv: []string{"unshare", "-U", "-r", "true"}, want: "setfcap"},
	{name: "ionice", argv: []string{"ionice", "-c1", "true"}, want: "sys_nice"},
	{name: "chrt", argv: []string{"chrt", "-f", "10", "true"}, want: "sys_nice"},
	{name: "reset that fails", setup: "touch {W}/f", reset: "chown 0 {W}/f; exit 1", argv: []string{"chown", "1", "{W}/f"}, warning: "--reset failed", want: "chown"},
	{name: "check that is too weak", check: "true", argv: []string{"chown", "1000", "{W}/none"}, warning: "before the command"},
	{name: "late work", setup: "touch {W}/f", reset: "chown 0 {W}/f", check: "test $(stat -c %u {W}/f) = 7", argv: sh("(sleep 0.3; chown 7 {W}/f) & exit 0"), want: "chown"},
	{name: "bind with kept capabilities, after changing the user", argv: []string{"python3", "-c", keepAndBind}, tools: []string{"python3"}, want: "setgid,setuid,net_bind_service"},
	{name: "a daemon that forks twice", setup: "touch {W}/f", reset: "rm -f {W}/pid {W}/done; chown 0 {W}/f", ready: "test -s {W}/pid", check: "test -e {W}/done", timeout: "5s", argv: sh(`setsid sh -c "(echo 1 >{W}/pid; sleep 0.1; chown 7 {W}/f && touch {W}/done; sleep 1000) & exit 0" & exit 0`), want: "chown"},
	{name: "needs something at its end", setup: "touch {W}/f", reset: "chown 0 {W}/f", argv: sh("sleep 0.1; chown 7 {W}/f && chroot / true"), want: "chown,sys_chroot"},
	{name: "from the second run on", user: nobody, setup: "chmod 777 {W}", argv: sh("if test -e {W}/seen; then dmesg >/dev/null; else touch {W}/seen; fi"), want: "syslog"},
	{name: "what it had, by the check", check: "grep -q '[2367abef].$' {W}/o", reset: "rm -f {W}/o", argv: sh("grep CapEff /proc/self/status >{W}/o; sleep 1000"), want: "kill", timeout: "1s"},
	{name: "one, or two others", user: nobody, argv: sh("dmesg >/dev/null 2>&1 || { chroot / true && kill -0 1; }"), hostPIDs: true, want: "kill,sys_chroot"},
	{name: "two of three", user: nobody, argv: sh("n=0; for c in dmesg 'chroot / true' 'kill -0 1'; do $c >/dev/null 2>&1 && n=$((n+1)); done; test $n -ge 2"), hostPIDs: true, want: "kill,sys_chroot"},
	{name: "refuses one and needs another", argv: sh("grep -q 'CapEff:.*[13579bdf]$' /proc/self/status && ! grep -q 'CapEff:.*[2367abef]...$' /proc/self/status"), reason: "fails-with-all"},
	{name: "bwrap, nobody", user: nobody, argv: []string{"bwrap", "--ro-bind", "/", "/", "true"}, tools: []string{"bwrap"}, reason: "refuses-capabilities"},
	{name: "another's priority", setup: another, undo: "kill $(cat {W}/pid)", argv: sh("chrt -f -p 10 $(cat {W}/pid)"), hostPIDs: true, want: "sys_nice"},
	{name: "another's environment", setup: another, undo: "kill $(cat {W}/pid)", argv: sh("cat /proc/$(cat {W}/pid)/environ"), hostPIDs: true, want: "dac_override,perfmon"},
	{name: "a mark on a socket", user: nobody, argv: []string{"python3", "-c", "import socket; socket.socket().setsockopt(1, 36, 7)"}, tools: []string{"python3"}, want: "net_raw"},
	{name: "setuid shell", user: nobody, options: []string{"--allow-new-privs"}, setup: "touch {W}/f; cp $(which bash) {W}/sh; chmod 4755 {W}/sh", reset: "chown 0 {W}/f", argv: []string{"{W}/sh", "-p", "-c", "chown 7 {W}/f"}, tools: []string{"bash"}, want: "chown"},
	{name: "a child with file capabilities", user: nobody, setup: "cp $(which dmesg) {W}/p; setcap cap_syslog+ep {W}/p", argv: sh("exec {W}/p"), want: "syslog"},
	{name: "starts processes again and again", user: nobody, argv: sh("sh -c 'while :; do sleep 0.01 & wait; done' & dmesg >/dev/null"), want: "syslog"},
	{name: "useradd in a directory", setup: "mkdir -p {W}/r/etc; cp -a /etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/login.defs {W}/r/etc", reset: "cp -a /etc/passwd /etc/shadow /etc/group /etc/gshadow {W}/r/etc; rm -f {W}/r/etc/*.lock", argv: []string{"useradd", "--prefix", "{W}/r", "joe"}, tools: []string{"useradd"}, want: "chown"},
}

// another is a process of another user.
const another = "setpriv --reuid=1 --regid=1 --clear-groups sleep 1000 >/dev/null 2>&1 & echo $! >{W}/pid"

// keepAndBind changes the user with what it is permitted kept, and makes one capability
// effective again.
const keepAndBind = `
import ctypes, os, socket
libc = ctypes.CDLL(None)
libc.prctl(8, 1, 0, 0, 0)
os.setgid(65534)
os.setuid(65534)
bind = 1 << 10
assert libc.capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)(bind, bind)) == 0
socket.socket().bind(("127.0.0.1", {P}))
`

// ask asks a name server for x.test.
const ask = `
cat >{W}/ask <<'END'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(0.3)
s.sendto(b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01x\x04test\0\0\x01\0\x01", ("127.0.0.1", {P}))
assert bytes([192, 0, 2, 1]) in s.recv(512)
END
`

// nginx is the configuration of one that keeps all its files in one directory.
const nginx = `
mkdir {W}/t {W}/html
echo hello >{W}/html/index.html
cat >{W}/conf <<'END'
user www-data;
worker_processes 1;
pid {W}/pid;
error_log stderr;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path {W}/t/body;
	proxy_temp_path {W}/t/proxy;
	fastcgi_temp_path {W}/t/fastcgi;
	uwsgi_temp_path {W}/t/uwsgi;
	scgi_temp_path {W}/t/scgi;
	server { listen 127.0.0.1:{P}; root {W}/html; }
}
END
`

// entrypoint is one as the redis image has it.
const entrypoint = `
mkdir {W}/data
cat >{W}/entry <<'END'
#!/bin/sh
set -e
cd {W}/data
if [ "$(id -u)" = 0 ]; then
	find . \! -user nobody -exec chown nobody '{}' +
	exec setpriv --reuid=nobody --regid=nogroup --clear-groups "$0" "$@"
fi
echo data >file
END
chmod 755 {W}/entry
`
