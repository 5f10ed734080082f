// Package inside has the tests that only a guest of tests/kernels runs, by the tag
// guest: with security modules that are really there, and in containers that have
// all capabilities.
package inside
