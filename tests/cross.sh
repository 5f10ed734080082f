#!/bin/sh
# Run tests on other architectures too: 32 bits, another 64-bit one, big-endian.
# 386 runs by itself on amd64 (qemu-i386 can't run Go programs) and has all
# tests. Under qemu-user the long comparisons with libcap, which differ in the
# number of bits at most, are left out, and some scripts; see below.
set -eu

packages='./internal/rules/... ./internal/ui/... ./internal/linux/bpfiter/btf'

cross() {
	arch=$1
	shift
	echo "GOARCH=$arch"
	# shellcheck disable=SC2086 # one argument a pattern
	CGO_ENABLED=0 GOARCH=$arch go test -short -count=1 -vet=off "$@" $packages
}

cross 386
for emulated in arm/arm arm64/aarch64 s390x/s390x; do
	cross ${emulated%/*} -exec "qemu-${emulated#*/}-static" -skip 'Against(C|Libcap)$'
done

# The scripts for capset: programs of other architectures against this kernel.
# These seven are left out under qemu-user 7.2, which lacks, on each of the three:
# - confine: landlock_create_ruleset and seccomp, both ENOSYS;
# - user, folder: openat2, ENOSYS, by which --chroot opens files;
# - process: openat2, and rt_sigaction and rt_sigprocmask of SIGBUS, SIGSEGV and
#   some real-time signals, which it keeps for itself or renumbers;
# - search, unknown: the ids of mounts by statx, so that what a file grants is unknown;
# - filecaps: no call, but execve of a copy of capset that has file capabilities
#   or is setuid gives nothing to the script that stands for it here.
scripts() {
	arch=$1
	shift
	echo "SCRIPTS_ARCH=$arch"
	SCRIPTS_ARCH=$arch go test -count=1 -vet=off "$@" ./tests/scripts
}

scripts 386
for emulated in arm arm64 s390x; do
	scripts $emulated -run 'TestCapset/(command|default|dryrun|from|help|keep|restricted)$'
done
