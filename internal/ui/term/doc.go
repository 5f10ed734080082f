// Package term lays text out for a terminal or a pipe: tables, lines that are
// broken at blanks, colour, and what another process may have chosen made harmless.
package term
