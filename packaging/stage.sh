#!/bin/sh
# Write what the packages of all architectures share into a directory: manual
# pages, completion, changelog, licence. The arguments are that directory and the
# version.
set -eu
share=$1 version=$2
mkdir -p "$share"

gzip -n9 <man/capsh.1 >"$share/capsh-go.1.gz"
gzip -n9 <man/capset.1 >"$share/capset.1.gz"
for shell in bash zsh fish; do
	case $shell in
	zsh) file=_capsh-go ;;
	*) file=capsh-go.$shell ;;
	esac
	go run ./capsh completion "$shell" | sed 's/\bcapsh\b/capsh-go/g' >"$share/$file"
done
cp LICENSE "$share/copyright"
date=$(date -u -R -d "@$SOURCE_DATE_EPOCH")
gzip -n9 <CHANGELOG.md >"$share/CHANGELOG.md.gz"
printf '%s\n' "capsh-go ($version) unstable; urgency=medium" '' '  * See CHANGELOG.md.gz.' '' \
	" -- The capsh authors <capsh@localhost>  $date" | gzip -n9 >"$share/changelog.gz"
