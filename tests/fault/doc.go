// Package fault has tests in which system calls fail. Each call that capset
// makes from its first look at its state to the execve, and each that a changing
// option of capsh makes, fails once while all others work: nothing may be started
// then, and the error must name the call.
//
// The injector traces the main thread alone. What Go's runtime does on others is
// out of sight, and what it does on this one is left out by the list of its calls.
package fault
