#!/bin/sh
# Run the tests of the packages that are pure on other architectures too: 32
# bits, another 64-bit one, and big-endian, by qemu-user. (386 runs by itself on
# amd64: qemu-i386 can't run Go programs.)
set -eu

packages=
for name in caps cred filecap execve plan container shrink render accounts; do
	if ls internal/$name/*_test.go >/dev/null 2>&1; then
		packages="$packages ./internal/$name"
	fi
done

cross() {
	echo "GOARCH=$1"
	# shellcheck disable=SC2086 # one argument a package
	CGO_ENABLED=0 GOARCH=$1 go test -short -count=1 -vet=off ${2:+-exec "$2"} $packages
}

cross 386
cross arm qemu-arm-static
cross arm64 qemu-aarch64-static
cross s390x qemu-s390x-static
