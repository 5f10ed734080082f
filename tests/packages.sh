#!/bin/sh
# Make the release twice and compare, or compare with that in the directory of the
# argument; check the packages by lintian and rpmlint; install, use, upgrade and remove
# the deb, unpack and run the others; load the image into podman and docker and run it,
# and copy from it as README says. As root, with dpkg.
set -eu
work=$(mktemp -d)
daemon=
cleanup() {
	if test -n "$daemon"; then
		kill "$daemon" && wait "$daemon"
	fi
	rm -rf "$work"
}
trap cleanup EXIT
arch=$(go env GOARCH)
version=$(sed -n 's/^VERSION *?= *//p' Makefile)
# Older Docker loads the first architecture.
arches="$arch $(sed -n 's/^DIST_ARCHES *= *//p' Makefile | tr ' ' '\n' | grep -vx "$arch" | tr '\n' ' ')"

# need TOOL says whether it is there; where all is required, what it is for is tried.
need() { command -v "$1" >/dev/null || test "${REQUIRE_ALL:-}" = 1 || { echo "SKIPPED, this host lacks $1"; return 1; }; }

# build VERSION DIRECTORY TARGET... makes targets.
build() {
	as=$1 dist=$2
	shift 2
	make -s "$@" DIST_ARCHES="$arches" VERSION="$as" DIST="$dist" \
		SOURCE_DATE_EPOCH=1000000000 >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
}

one=${1:-$work/one}
test -n "${1:-}" || build "$version" "$one" release
build "$version" "$work/two" release
diff -r "$one" "$work/two"
echo 'two releases are the same'

# Each program has an SBOM, with the licence of each module.
for tar in "$one"/*.tar.gz; do
	name=$(basename "$tar" .tar.gz)
	for program in capsh capset; do
		sum=$(tar -xOzf "$tar" "$name/$program" | sha256sum | cut -d ' ' -f 1)
		bom=$one/$program-${name#capsh-}.cdx.json
		grep -qF "$sum" "$bom"
		test "$(grep -c '"purl"' "$bom")" = "$(grep -c '"expression": "BSD-3-Clause' "$bom")"
	done
done

deb=$(echo "$one"/*_"$arch".deb)
if need lintian; then
	lintian --fail-on error,warning --allow-root "$deb"
fi
if need rpmlint; then
	# rpmlint unpacks by cpio, and nfpm's names begin with a slash.
	mkdir "$work/bin"
	printf '#!/bin/sh\nexec %s --no-absolute-filenames "$@"\n' "$(command -v cpio)" >"$work/bin/cpio"
	chmod +x "$work/bin/cpio"
	PATH=$work/bin:$PATH rpmlint -c packaging/rpmlint.toml "$one"/*.rpm
fi

# The deb, in a root of its own.
root=$work/root
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates"
touch "$root/var/lib/dpkg/status"
dpkg="dpkg --root=$root --force-script-chrootless --log=/dev/null"
$dpkg -i "$deb" >/dev/null
test "$("$root/usr/bin/capsh-go" --decode=1)" = '0x0000000000000001=cap_chown'
test "$("$root/usr/lib/capsh-go/capsh" --decode=1)" = '0x0000000000000001=cap_chown'
"$root/usr/bin/capset" --version | grep -qF "capset $version "
arches=$arch
build 99.0.0 "$work/next" packages
$dpkg -i "$work"/next/*_"$arch".deb >/dev/null
"$root/usr/bin/capsh-go" --version | grep -qF 'capsh 99.0.0 '
$dpkg -r capsh-go >/dev/null
test ! -e "$root/usr"
echo 'the deb was installed, used, upgraded and removed'

# Every package, the tarball and the image have what make build builds.
make -s build VERSION="$version"
# same CAPSH CAPSET compares two files with it.
same() { cmp bin/capsh "$1" && cmp bin/capset "$2"; }
mkdir "$work/deb" "$work/rpm" "$work/apk" "$work/tar"
dpkg-deb -x "$deb" "$work/deb"
same "$work/deb/usr/bin/capsh-go" "$work/deb/usr/bin/capset"
tar -xzf "$(echo "$one"/*_"$(uname -m)".apk)" -C "$work/apk" 2>/dev/null
same "$work/apk/usr/bin/capsh-go" "$work/apk/usr/bin/capset"
"$work/apk/usr/bin/capsh-go" --print >/dev/null
if need rpm2cpio; then
	(cd "$work/rpm" && rpm2cpio "$one"/*."$(uname -m)".rpm | cpio -id --quiet --no-absolute-filenames 2>/dev/null)
	same "$work/rpm/usr/bin/capsh-go" "$work/rpm/usr/bin/capset"
	"$work/rpm/usr/bin/capset" --keep=none -- "$work/rpm/usr/bin/capsh-go" expect eff=none
fi
tar -xzf "$(echo "$one"/*-"$arch".tar.gz)" -C "$work/tar" --strip-components=1
same "$work/tar/capsh" "$work/tar/capset"
echo 'the programs in packages and tarball are those of make build'

image=$(echo "$one"/*-image.tar)

# use ENGINE... loads the image and runs it.
use() {
	"$@" load -q -i "$image" >/dev/null
	name=$("$@" images --format '{{.Repository}}:{{.Tag}}' | grep "capsh:$version\$")
	run="$* run --rm --network=none --ulimit=nofile=1024:1024 --ulimit=nproc=1000:1000"
	$run "$name" --has-p=cap_chown
	$run --entrypoint=/capset "$name" --keep=none -- /capsh expect eff=none bnd=none nnp
	"$@" create --name=made "$name" >/dev/null
	"$@" cp made:/capset "$work/$1"
	cmp bin/capset "$work/$1"
	echo "$1 loaded the image and ran it"
}

if need podman && need runc; then
	set -- podman "--root=$work/storage" "--runroot=$work/run" --storage-driver=vfs --runtime=runc \
		--cgroup-manager=cgroupfs --events-backend=none
	use "$@"

	# README's first way to install.
	mkdir "$work/context"
	printf '%s\n' 'FROM scratch' "$(grep '^COPY --from=' README.md)" \
		'RUN ["/usr/local/bin/capset", "--keep=none", "--", "/usr/local/bin/capsh", "expect", "eff=none"]' >"$work/context/Containerfile"
	"$@" build -q --network=none --isolation=oci --ulimit=nofile=1024:1024 --ulimit=nproc=1000:1000 \
		-t copied "$work/context" >/dev/null
	echo 'podman built an image that copies from it'

	# Another architecture's, by an emulator that is mounted into it.
	if test "$arch" != arm64 && need qemu-aarch64-static; then
		"$@" pull -q --arch=arm64 "oci-archive:$image" >/dev/null
		"$@" run --rm --network=none --ulimit=nofile=1024:1024 --ulimit=nproc=1000:1000 --arch=arm64 \
			-v "$(command -v qemu-aarch64-static):/qemu:ro" --entrypoint=/qemu "localhost/capsh:$version" /capsh --decode=1
	fi
fi

if need dockerd && need docker; then
	dockerd -H "unix://$work/socket" --data-root="$work/data" --exec-root="$work/exec" --pidfile="$work/pid" \
		--iptables=false --ip6tables=false --bridge=none --storage-driver=vfs --oom-score-adjust=0 >"$work/log" 2>&1 &
	daemon=$!
	until docker -H "unix://$work/socket" version >/dev/null 2>&1; do
		kill -0 "$daemon" || { cat "$work/log"; exit 1; }
		sleep 0.2
	done
	use docker -H "unix://$work/socket"
fi
