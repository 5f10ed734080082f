package trial

import (
	"errors"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// LaunchName is the argv[0] by which capset launches the command of a trial:
// [LaunchArgs] has its other arguments.
const LaunchName = "capset: launch"

// Refusal is why a command was not started.
type Refusal struct {
	// Answer says that it is one of the command's: with this set it cannot be
	// executed, or would not have what was asked for. Otherwise capset could not
	// do its work.
	Answer bool
	// Status is the exit status that capset would have had.
	Status int
	Text   string
}

// Refuse reports to the process that made the trial why the command was not started.
func Refuse(fd int, r Refusal) {
	k := keeper{report: fd}
	k.say("refused", strconv.FormatBool(r.Answer)+" "+strconv.Itoa(r.Status)+" "+r.Text)
}

func parseRefusal(text string) *Refusal {
	answer, rest, _ := strings.Cut(text, " ")
	status, why, _ := strings.Cut(rest, " ")
	r := &Refusal{Answer: answer == "true", Text: why}
	r.Status, _ = strconv.Atoi(status)
	return r
}

// LaunchArgs are the arguments of a launch after its argv[0]; fd is what
// [Refuse] takes, and closes itself when the command is executed; rest has a word or
// more. It returns when the launch may go on.
func LaunchArgs(args []string) (fd int, rest []string, err error) {
	var given [2]int
	if len(args) <= len(given) || !received(given[:], args) || given[0] == noGate {
		return 0, nil, errors.New(LaunchName + " is for internal use")
	}
	fd, gate := given[0], given[1]
	if gate != noGate {
		waitForEnd(gate)
		unix.Close(gate)
	}
	return fd, args[len(given):], nil
}
