#!/bin/sh
# Install what the tests need beside Go: the peers that they compare with, and
# the tools that build, watch and emulate. As root on Debian or Ubuntu; anywhere
# else, say what is missing: the tests that need it are skipped.
set -eu
PATH=$PATH:/usr/sbin:/sbin

# A command or a file that shows it is there, and the package that has it.
needs='
/usr/sbin/capsh			libcap2-bin
/usr/include/sys/capability.h	libcap-dev
pscap				libcap-ng-utils
setpriv				util-linux
bwrap				bubblewrap
proot				proot
gosu				gosu
strace				strace
gcc				gcc
/usr/include/stdlib.h		libc6-dev
mandoc				mandoc
shellcheck			shellcheck
xz				xz-utils
busybox				busybox-static
dockerd				docker.io
podman				podman
runc				runc
newuidmap			uidmap
systemd-analyze			systemd
qemu-s390x-static		qemu-user-static
python3				python3
debugfs				e2fsprogs
script				bsdutils
ping				iputils-ping
nginx				nginx-light
dnsmasq				dnsmasq-base
memcached			memcached
tcpdump				tcpdump
iptables			iptables
ip				iproute2
sysctl				procps
lintian				lintian
rpmlint				rpmlint
rpm				rpm
cpio				cpio
runsc				runsc
lxc-execute			lxc
/usr/share/lxc/config/common.conf	lxc
systemd-nspawn			systemd-container
ctr				containerd
zsh				zsh
fish				fish
qemu-system-x86_64		qemu-system-x86
qemu-system-s390x		qemu-system-misc
/usr/share/keyrings/debian-archive-keyring.gpg	debian-archive-keyring
'

# missing prints the packages of which the command or file isn't there.
missing() {
	echo "$needs" | while read -r what package; do
		case $what in
		'') ;;
		/*) test -e "$what" || echo "$package" ;;
		*) command -v "$what" >/dev/null || echo "$package" ;;
		esac
	done | tr '\n' ' '
}

if test "$(id -u)" = 0 && command -v apt-get >/dev/null; then
	# Where there are no backports, the release's own follows below.
	command -v runsc >/dev/null || "${0%/*}/runsc.sh" || true
	packages=$(missing)
	if test -n "$packages"; then
		echo "installing what the tests need: $packages"
		export DEBIAN_FRONTEND=noninteractive
		apt-get update -qq
		# shellcheck disable=SC2086 # one argument a package
		apt-get install -y -qq --no-install-recommends $packages
	fi
	command -v captree >/dev/null || "${0%/*}/captree.sh" || true
fi

packages=$(missing)
command -v captree >/dev/null || packages="${packages}captree (from the source of libcap2)"
test -n "$packages" || exit 0

echo "missing here (names of Debian packages): $packages"
if test "${REQUIRE_ALL:-}" = 1; then
	echo "REQUIRE_ALL=1: not going on without them" >&2
	exit 1
fi
echo "tests that need them are going to be skipped"
