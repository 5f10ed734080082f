//go:build cgo

package version

// cgo says that this is a build with cgo, which a C compiler on the host turns on.
const cgo = true
