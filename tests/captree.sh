#!/bin/sh
# Build captree, which Debian has in no package, from the source of the host's
# own libcap2, and install it in /usr/local/bin. As root on Debian or Ubuntu. apt
# reads sources and keeps lists in a scratch directory only.
set -eu
captree=/usr/local/bin/captree

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/entries" "$scratch/lists/partial"

# The host's entries, of source packages now: "deb URL …" in a .list,
# "Types: deb" in a .sources.
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
	test -e "$file" || continue
	sed 's/^deb[[:blank:]]/deb-src /; s/^types:.*/Types: deb-src/I' "$file" >"$scratch/entries/${file##*/}"
done

apt() {
	apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$scratch/entries" \
		-o Dir::State::lists="$scratch/lists" -o Dir::Cache="$scratch" -o APT::Sandbox::User=root "$@"
}

echo "building $captree from the source of libcap2"
cd "$scratch"
apt update
apt source --download-only libcap2 >/dev/null
tar -xf libcap2_*.orig.tar.*
cd libcap-*
if ! test -d goapps/captree; then
	echo "this libcap2 is too old to have captree: ${PWD##*/}" >&2
	exit 1
fi
# The modules that it needs are beside it.
go work init ./goapps/captree ./cap ./psx
CGO_ENABLED=0 GOPROXY=off go build -o "$captree" ./goapps/captree
