#!/bin/sh
# Install gVisor's runsc from the backports of this Debian: it is newer than the
# release's own, which lacks the platform that is now gVisor's default. As root on
# Debian. apt reads the backports here only: the entries and lists are in a scratch
# directory.
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/entries" "$scratch/lists/partial" "$scratch/archives/partial"

# shellcheck source=/dev/null
. /etc/os-release
for file in /etc/apt/sources.list.d/*.sources; do
	grep -qi "^suites:.*$VERSION_CODENAME-updates" "$file" || continue
	# The entry of the release itself, not that of its security updates.
	awk -v RS= -v ORS='\n\n' 'tolower($0) !~ /suites:[^\n]*-security/' "$file" |
		sed "s/^suites:.*/Suites: $VERSION_CODENAME-backports/I" >"$scratch/entries/backports.sources"
done
test -s "$scratch/entries/backports.sources"

apt() {
	apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$scratch/entries" \
		-o Dir::State::lists="$scratch/lists" -o Dir::Cache="$scratch" -o APT::Sandbox::User=root "$@"
}

echo "installing runsc from $VERSION_CODENAME-backports"
cd "$scratch"
apt update
apt download runsc
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ./runsc_*.deb
