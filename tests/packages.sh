#!/bin/sh
# Build the packages and the image of this architecture twice and compare; check
# them by lintian and rpmlint; install, use, upgrade and remove the deb, unpack and
# run the others; load the image into podman and run it. As root, with dpkg.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
arch=$(go env GOARCH)

# build VERSION DIRECTORY builds all for this architecture.
build() {
	make -s packages image DIST_ARCHES="$arch" VERSION="$1" DIST="$2" SOURCE_DATE_EPOCH=1000000000 >"$work/log" 2>&1 ||
		{ cat "$work/log"; exit 1; }
	rm -rf "$2/build"
}

build 0.2.0 "$work/one"
build 0.2.0 "$work/two"
diff -r "$work/one" "$work/two"
echo 'two builds of packages and image are the same'

deb=$(echo "$work"/one/*.deb)
if command -v lintian >/dev/null || test "${REQUIRE_ALL:-}" = 1; then
	lintian --fail-on error,warning --allow-root "$deb"
fi
if command -v rpmlint >/dev/null || test "${REQUIRE_ALL:-}" = 1; then
	# rpmlint unpacks by cpio, and nfpm's names begin with a slash.
	mkdir "$work/bin"
	printf '#!/bin/sh\nexec %s --no-absolute-filenames "$@"\n' "$(command -v cpio)" >"$work/bin/cpio"
	chmod +x "$work/bin/cpio"
	PATH=$work/bin:$PATH rpmlint -c packaging/rpmlint.toml "$work"/one/*.rpm
fi

# The deb, in a root of its own.
root=$work/root
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates"
touch "$root/var/lib/dpkg/status"
dpkg="dpkg --root=$root --force-script-chrootless --log=/dev/null"
$dpkg -i "$deb" >/dev/null
test "$("$root/usr/bin/capsh-go" --decode=1)" = '0x0000000000000001=cap_chown'
test "$("$root/usr/lib/capsh-go/capsh" --decode=1)" = '0x0000000000000001=cap_chown'
test "$("$root/usr/bin/capset" --version)" = "$(bin/capset --version)"
build 0.2.1 "$work/next"
$dpkg -i "$work"/next/*.deb >/dev/null
"$root/usr/bin/capsh-go" --version | grep -q '^capsh 0\.2\.1'
$dpkg -r capsh-go >/dev/null
test ! -e "$root/usr"
echo 'the deb was installed, used, upgraded and removed'

# What the two installed packages have is what make build builds.
mkdir "$work/rpm" "$work/apk" "$work/deb"
dpkg-deb -x "$deb" "$work/deb"
tar -xzf "$(echo "$work"/one/*.apk)" -C "$work/apk" 2>/dev/null
cmp "$work/deb/usr/bin/capset" "$work/apk/usr/bin/capset"
if command -v rpm2cpio >/dev/null || test "${REQUIRE_ALL:-}" = 1; then
	(cd "$work/rpm" && rpm2cpio "$work"/one/*.rpm | cpio -id --quiet --no-absolute-filenames 2>/dev/null)
	cmp "$work/deb/usr/bin/capset" "$work/rpm/usr/bin/capset"
fi
"$work/apk/usr/bin/capsh-go" --print >/dev/null

if command -v podman >/dev/null || test "${REQUIRE_ALL:-}" = 1; then
	run="podman --runtime=runc run --rm --network=none --ulimit=nofile=1024:1024 --ulimit=nproc=1000:1000"
	podman --runtime=runc load -q -i "$(echo "$work"/one/*-image.tar)" >/dev/null
	$run localhost/capsh:0.2.0 --has-p=cap_chown
	$run --entrypoint=/capset localhost/capsh:0.2.0 --keep=none -- /capsh expect eff=none bnd=none nnp
	podman --runtime=runc rmi -f localhost/capsh:0.2.0 >/dev/null
	echo 'the image was loaded and run'
fi
