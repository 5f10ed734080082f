// Command empty is the floor for a Go program that says something: it imports
// os and writes a line.
package main

import "os"

func main() { os.Stdout.WriteString("hello\n") }
