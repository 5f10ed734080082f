package main

import (
	"fmt"
	"strings"
)

// skipped is a test that did not run, and what it lacked if it said so.
type skipped struct{ test, lacks string }

// skips are the tests of a run's verbose output that were skipped.
func skips(lines []string) (list []skipped) {
	lacks := map[string]string{}
	now := ""
	for _, line := range lines {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 3 && fields[0] == "===": // === RUN   TestName
			now = fields[2]
		case len(fields) >= 3 && fields[0] == "---" && fields[1] == "SKIP:":
			list = append(list, skipped{fields[2], lacks[fields[2]]})
		default:
			if _, rest, ok := strings.Cut(line, "this host lacks "); ok {
				lacks[now], _, _ = strings.Cut(rest, ": ")
			}
		}
	}
	return list
}

// judge says what is wrong with a session: jobs that failed, did not end or never
// began, skips that the table does not have and those of the table that were none.
func judge(k *kernel, s *session) (wrong []string) {
	ran := map[string]bool{}
	seen := map[*skip]bool{}
	for _, r := range s.results {
		ran[r.name] = true
		if r.status != "ok" {
			wrong = append(wrong, fmt.Sprintf("%s: %s\n%s", r.name, r.status, strings.Join(failures(r.lines), "\n")))
		}
		for _, what := range skips(r.lines) {
			entry := k.expects(r.name, what)
			if entry == nil {
				wrong = append(wrong, fmt.Sprintf("%s: %s was skipped (lacks %q), which the table of skips does not have", r.name, what.test, what.lacks))
				continue
			}
			seen[entry] = true
		}
	}
	for _, name := range k.jobs() {
		if !ran[name] {
			wrong = append(wrong, name+": did not run")
		}
	}
	for i := range skipTable {
		if entry := &skipTable[i]; entry.on(k) && ran[entry.Job] && !seen[entry] {
			wrong = append(wrong, fmt.Sprintf("%s: the table of skips has %s, but it was not skipped", entry.Job, entry.Test))
		}
	}
	return wrong
}

// failures are the lines of an output that matter when it failed: those before and
// after the first failure, or the last ones, but for the tests that passed.
func failures(lines []string) (list []string) {
	const before, most = 80, 200
	first := -1
	for _, line := range lines {
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || strings.HasPrefix(trimmed, "=== ") || strings.HasPrefix(trimmed, "--- PASS") {
			continue
		}
		if first < 0 && strings.HasPrefix(trimmed, "--- FAIL") {
			first = len(list)
		}
		list = append(list, "    "+line)
	}
	if first < 0 {
		first = len(list) - most + before
	}
	list = list[max(0, first-before):]
	if len(list) > most {
		list = append(list[:most:most], fmt.Sprintf("    ... and %d lines more", len(list)-most))
	}
	return list
}
