// Package kernel has the judge of packages execve and catalog: the kernel itself.
//
// For execve it starts a process with random credentials, lets it exec a file with
// random privileges, and compares what the new program finds with what
// execve.Predict said. See kernel_test.go for how to run more cases, or one again.
//
// For catalog it tries what a capability permits, by a table of probes: with the
// capability, without it, and in a child user namespace (probe_test.go). A probe
// does no harm: it acts on its own files, namespaces and processes, or its call
// fails after the kernel has checked the capability.
package kernel
