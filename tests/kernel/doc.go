// Package kernel holds the judge of package execve: the kernel itself. Its test
// starts a process with random credentials, lets it exec a file with random
// privileges, and compares what the new program finds with what execve.Predict
// said. See kernel_test.go for how to run more cases, or one again.
package kernel
