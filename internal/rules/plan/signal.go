package plan

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// signalNames are the signals 1 to 31, the same on all architectures that we
// build for (include/uapi/asm-generic/signal.h).
var signalNames = [...]string{
	1: "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV",
	"USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN",
	"TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
}

// The real-time signals as the C library numbers them; it reserves the two below for
// itself.
const (
	rtMin = 34
	rtMax = 64
)

// SignalName is a signal's name without SIG, "RTMIN+n" for a real-time one, else
// its number.
func SignalName(sig int) string {
	switch {
	case sig > 0 && sig < len(signalNames):
		return signalNames[sig]
	case sig == rtMin:
		return "RTMIN"
	case sig > rtMin && sig <= rtMax:
		return "RTMIN+" + strconv.Itoa(sig-rtMin)
	}
	return strconv.Itoa(sig)
}

// SignalNames lists the signals of a set, bit n-1 for signal n, without SIGKILL and
// SIGSTOP, for which nothing can be set.
func SignalNames(set uint64) []string {
	list := []string{}
	for n := 1; n <= rtMax; n++ {
		if name := SignalName(n); set>>(n-1)&1 != 0 && name != "KILL" && name != "STOP" {
			list = append(list, name)
		}
	}
	return list
}

// ParseSignal reads a number from 1 to 64, a name with or without SIG in any case,
// RTMIN+n or RTMAX-n.
func ParseSignal(text string) (int, error) {
	if n, err := strconv.ParseUint(text, 10, 7); err == nil && n >= 1 && n <= rtMax && text[0] != '0' {
		return int(n), nil
	}
	name := strings.TrimPrefix(strings.ToUpper(text), "SIG")
	switch name { // second names, which env(1) takes too
	case "CLD":
		name = "CHLD"
	case "IOT":
		name = "ABRT"
	case "POLL":
		name = "IO"
	}
	if sig := slices.Index(signalNames[:], name); sig > 0 {
		return sig, nil
	}
	if sig, ok := realTime(name); ok {
		return sig, nil
	}
	return 0, errors.New("no signal is called " + strconv.Quote(text))
}

// realTime reads RTMIN, RTMIN+n, RTMAX or RTMAX-n.
func realTime(name string) (sig int, ok bool) {
	if rest, ok := strings.CutPrefix(name, "RTMIN"); ok && (rest == "" || rest[0] == '+') {
		sig, name = rtMin, rest
	} else if rest, ok := strings.CutPrefix(name, "RTMAX"); ok && (rest == "" || rest[0] == '-') {
		sig, name = rtMax, rest
	} else {
		return 0, false
	}
	if name == "" {
		return sig, true
	}
	if name[1:] == "" || strings.Trim(name[1:], "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(name)
	sig += n
	return sig, err == nil && sig >= rtMin && sig <= rtMax
}
