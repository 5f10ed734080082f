// Package environ reads and changes environments: lists of NAME=VALUE as
// execve(2) takes them. Of a variable that is there twice the first counts, as
// for getenv(3).
package environ

import (
	"slices"
	"strings"
)

// Get is the value of a variable, and whether there is one.
func Get(env []string, name string) (string, bool) {
	for _, v := range env {
		if is(v, name) {
			return v[len(name)+1:], true
		}
	}
	return "", false
}

// Set sets a variable where it stands first, or else at the end, and takes away
// what else is called so: some programs look at the last. It may change env.
func Set(env []string, name, value string) []string {
	i := slices.IndexFunc(env, func(v string) bool { return is(v, name) })
	if i < 0 {
		return append(env, name+"="+value)
	}
	env[i] = name + "=" + value
	return append(env[:i+1], Unset(env[i+1:], name)...)
}

// Unset takes a variable away. It may change env.
func Unset(env []string, name string) []string {
	return slices.DeleteFunc(env, func(v string) bool { return is(v, name) })
}

func is(v, name string) bool {
	return len(v) > len(name) && v[len(name)] == '=' && strings.HasPrefix(v, name)
}
