#!/bin/sh
# Run every fuzz target of the module in turn, each for FUZZTIME.
set -eu

targets=$(mktemp)
trap 'rm -f "$targets"' EXIT

# go test -list prints the names, then a line "ok PACKAGE TIME".
listing=$(go test -list '^Fuzz' ./...)
echo "$listing" |
	awk '/^Fuzz/ { name[++n] = $1 } /^ok/ { for (i = 1; i <= n; i++) print $2, name[i]; n = 0 }' >"$targets"

while read -r package target; do
	go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-60s}" "$package" </dev/null
done <"$targets"
