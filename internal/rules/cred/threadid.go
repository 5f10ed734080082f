package cred

import (
	"fmt"
	"strconv"
	"strings"
)

// ThreadID names a process, where both ids are the same, or one of its threads.
type ThreadID struct{ PID, TID int }

// String is PID or PID/TID, as [ParseThreadID] reads it.
func (t ThreadID) String() string {
	if t.TID == t.PID {
		return strconv.Itoa(t.PID)
	}
	return fmt.Sprintf("%d/%d", t.PID, t.TID)
}

// ParseThreadID reads PID or PID/TID; each is 1 to 2147483647 in plain decimal.
func ParseThreadID(text string) (t ThreadID, err error) {
	pid, tid, hasTID := strings.Cut(text, "/")
	if t.PID, err = ParsePID(pid); err != nil {
		return t, err
	}
	if t.TID = t.PID; hasTID {
		t.TID, err = ParsePID(tid)
	}
	return t, err
}

// ParsePID reads a process or thread id: 1 to 2147483647, plain decimal.
func ParsePID(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n == 0 || text[0] == '0' {
		return 0, fmt.Errorf("%q is not a process id", text)
	}
	return int(n), nil
}
