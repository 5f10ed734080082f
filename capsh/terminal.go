package main

import (
	"slices"

	"capsh/internal/rules/environ"
	"capsh/internal/ui/render"

	"golang.org/x/sys/unix"
)

// defaultWidth is how wide text is where no terminal says so.
const defaultWidth = 80

// terminalWidth is how many columns stdout shows, or defaultWidth.
func terminalWidth() int { return columnsOf(unix.Stdout) }

// textWidth is how wide text is that reads badly in less than defaultWidth.
func textWidth() int { return max(defaultWidth, terminalWidth()) }

// columnsOf is how many columns a terminal has; defaultWidth for what is none.
func columnsOf(fd int) int {
	size, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
	if err != nil || size.Col == 0 {
		return defaultWidth
	}
	return int(size.Col)
}

// colors says whether a command writes in colour.
func (c *common) colors(env []string) render.Color { return render.Color(colored(c.color, env)) }

// colored says whether to use colour: as asked, or where stdout is a terminal
// that can, unless NO_COLOR is set to something.
func colored(when string, env []string) bool {
	if when != "auto" {
		return when == "always"
	}
	noColor, _ := environ.Get(env, "NO_COLOR")
	return onTerminal() && noColor == "" && !slices.Contains(env, "TERM=dumb")
}

// onTerminal says whether stdout is one.
func onTerminal() bool {
	_, err := unix.IoctlGetTermios(unix.Stdout, unix.TCGETS)
	return err == nil
}
