// Package expect is the language of assertions about a process:
// "eff=net_bind_service", "bnd<=docker", "nnp". It is pure.
package expect

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/suggest"
)

// World is what the words of an expression stand for on a host.
type World struct {
	// Bits is how many capabilities the kernel has: those of "all".
	Bits int
	// User and Group give the id of a name or a number, or say why there is none.
	User, Group func(text string) (uint32, error)
}

// Result says whether an expression is true. One about an unknown value never is.
type Result uint8

const (
	Pass Result = iota
	Fail
	Unknown
)

// String is "pass", "fail" or "unknown".
func (r Result) String() string { return [...]string{"pass", "fail", "unknown"}[r] }

// Verdict is the answer to an expression. Message says how the process differs, or
// what is unknown, in one line; it is empty for an expression that is true.
type Verdict struct {
	Result  Result
	Message string
}

func passes() Verdict              { return Verdict{} }
func fails(message string) Verdict { return Verdict{Fail, message} }

// why is "", or begins with its punctuation.
func unknown(what, why string) Verdict { return Verdict{Unknown, what + ": unknown" + why} }

// judge evaluates an expression for one thread.
type judge func(p *cred.Process) Verdict

// Expr is an expression, ready to be judged.
type Expr struct {
	Text  string
	judge judge
}

// Judge evaluates an expression for a process: for the thread p, and where p is the
// leader, for the threads that differ from it too.
func (e *Expr) Judge(p *cred.Process) Verdict {
	if v := e.judge(p); v.Result != Pass {
		return v
	}
	if p.TID != p.PID {
		return passes()
	}
	if !p.ThreadsRead {
		return Verdict{Unknown, "the other threads: unknown"}
	}
	for i := range p.Differing {
		t := p.Differing[i]
		t.UserNS = p.UserNS // threads share it: only a single one can enter another
		if v := e.judge(&t); v.Result != Pass {
			v.Message = fmt.Sprintf("thread %d: %s", t.TID, v.Message)
			return v
		}
	}
	return passes()
}

// Parse reads an expression: nnp, !nnp, or a subject, an operator and a value
// without blanks between.
func Parse(text string, w World) (Expr, error) {
	j, err := w.parse(text)
	if err != nil {
		meant := translated(text)
		if _, wrong := w.parse(meant); wrong == nil {
			why, _, _ := strings.Cut(err.Error(), ", did you mean ")
			why, _, _ = strings.Cut(why, ": it must be one of nnp")
			err = fmt.Errorf("%s, did you mean '%s'?", why, meant)
		}
		return Expr{}, fmt.Errorf("expression %q: %w", text, err)
	}
	return Expr{text, j}, nil
}

// translated is an expression in the words of other languages, and of ps.
func translated(text string) string {
	if rest, not := strings.CutPrefix(text, "!"); not {
		text = strings.Replace(rest, "=", "!=", 1)
	}
	for _, other := range [...][2]string{
		{" ", ""}, {"==", "="}, {"=<", "<="}, {"=>", ">="}, {":", "="}, {"=full", "=all"}, {"=empty", "=none"}, {"-default", ""},
	} {
		text = strings.ReplaceAll(text, other[0], other[1])
	}
	return text
}

func (w *World) parse(text string) (judge, error) {
	switch text {
	case "":
		return nil, errors.New("it is empty")
	case "nnp", "!nnp":
		return noNewPrivs(text == "nnp"), nil
	}
	i := strings.IndexAny(text, "!=<>~")
	if i < 0 && w.subject(text) != nil {
		return nil, errors.New("needs an operator and a value: " + text + "=...")
	} else if i < 0 {
		return nil, unknownSubject(text)
	}
	op, rest := cutOperator(text[i:])
	subject := text[:i]
	parse := w.subject(subject)
	switch {
	case subject == "nnp":
		return nil, errors.New("nnp has no value: it is nnp or !nnp")
	case parse == nil:
		return nil, unknownSubject(subject)
	case op == 0 || rest != "" && strings.IndexByte("!=<>~", rest[0]) >= 0:
		return nil, errors.New("the operator must be one of = != <= >= < > !~")
	case rest == "":
		return nil, errors.New("needs a value after the operator")
	case op == apart && rest == "none":
		return nil, errors.New("every set passes; to test for the empty set: " + subject + "=none")
	}
	return parse(op, rest)
}

// subject is the parser of the value of a subject; nil for an unknown subject.
func (w *World) subject(name string) func(operator, string) (judge, error) {
	if s, ok := setOf(name); ok {
		return func(op operator, v string) (judge, error) { return w.capSet(s, op, v) }
	}
	if id, ok := idOf(name); ok {
		return func(op operator, v string) (judge, error) { return w.id(id, op, v) }
	}
	switch name {
	case "groups":
		return w.groups
	case "seccomp":
		return seccomp
	case "userns":
		return userNS
	case "securebits":
		return securebits
	case "mode":
		return w.mode
	}
	return nil
}

// subjects are all subjects, for the nearest spelling.
var subjects = [...]string{
	"nnp", "eff", "prm", "inh", "bnd", "amb", "effective", "permitted", "inheritable", "bounding", "ambient",
	"uid", "euid", "suid", "fsuid", "gid", "egid", "sgid", "fsgid", "groups", "seccomp", "userns", "securebits", "mode",
}

// Subjects are the words that an expression can begin with.
func Subjects() []string { return subjects[:] }

func unknownSubject(word string) error {
	lower := strings.ToLower(word)
	near := cmp.Or(suggest.Nearest(lower, slices.Values(subjects[:])), otherSubject(lower))
	if _, err := caps.ParseList(word, 0); err == nil {
		near = "'eff>=" + word + "'"
	}
	if _, err := cred.ParseThreadID(word); err == nil {
		return fmt.Errorf("unknown subject %q; for a process use --pid=%s", word, word)
	}
	if near == "" {
		return fmt.Errorf("unknown subject %q: it must be one of %s", word, strings.Join(subjects[:], ", "))
	}
	return fmt.Errorf("unknown subject %q, did you mean %s?", word, near)
}

// otherSubject is the subject that others have another word for, "" for none.
func otherSubject(word string) string {
	switch strings.NewReplacer("_", "", "-", "").Replace(word) {
	case "nonewprivs", "nonewprivileges":
		return "nnp"
	case "capeff", "caps", "capabilities":
		return "eff"
	case "capprm":
		return "prm"
	case "capinh":
		return "inh"
	case "capbnd", "boundingset":
		return "bnd"
	case "capamb":
		return "amb"
	case "user", "ruid":
		return "uid"
	case "group", "rgid":
		return "gid"
	case "secbits":
		return "securebits"
	}
	return ""
}

// operator is a comparison; sets compare by inclusion.
type operator uint8

const (
	equal         operator = iota + 1 // =
	notEqual                          // !=
	within                            // <=
	covers                            // >=
	wellWithin                        // < (within, and not equal)
	coversAndMore                     // >
	apart                             // !~ (nothing in common)
)

// limits says that a set may have nothing beyond the value, demands that it must have
// all of it.
func (op operator) limits() bool  { return op == equal || op == within || op == wellWithin }
func (op operator) demands() bool { return op == equal || op == covers || op == coversAndMore }

// cutOperator splits off the operator at the beginning of a text; 0 if there is
// none.
func cutOperator(text string) (operator, string) {
	for _, o := range [...]struct {
		text string
		op   operator
	}{{"!=", notEqual}, {"<=", within}, {">=", covers}, {"=", equal}, {"<", wellWithin}, {">", coversAndMore}, {"!~", apart}} {
		if rest, ok := strings.CutPrefix(text, o.text); ok {
			return o.op, rest
		}
	}
	return 0, text
}

// exact refuses the operators that are for sets only.
func exact(op operator, subject string) error {
	if op != equal && op != notEqual {
		return errors.New(subject + " is not a set: the operator must be = or !=")
	}
	return nil
}

// compareOne is the verdict on a single value; same says that it is the wanted one.
func compareOne(op operator, subject, is, wanted string, same bool) Verdict {
	switch {
	case same == (op == equal):
		return passes()
	case op == equal:
		return fails(subject + ": is " + is + ", not " + wanted)
	}
	return fails(subject + ": is " + is)
}

// difference is how a set differs from the value that it is compared with: what it
// has beyond that, what it lacks, and what both have, in words, "" for nothing.
type difference struct {
	subject, extra, missing, common string
	// value is what was typed, "" where it is the empty set.
	value string
	// is says what the set has instead of extra, or of the names in missing; "" where
	// these say it.
	is string
}

// compare is the verdict on a set.
func (d *difference) compare(op operator) Verdict {
	beyond := ""
	if d.value != "" {
		beyond = " beyond " + d.value
	}
	value := d.value
	if value == "" {
		value = "empty"
	}
	same := d.extra == "" && d.missing == ""
	var parts []string
	if d.is != "" {
		parts = append(parts, d.is)
	}
	if d.extra != "" && op.limits() {
		parts = append(parts, "has "+d.extra+beyond)
	}
	if d.missing != "" && op.demands() {
		parts = append(parts, "lacks "+d.missing)
	}
	switch {
	case op == notEqual && same:
		parts = []string{"is " + value}
	case op == apart && d.common != "":
		parts = []string{"has " + d.common}
	case len(parts) > 0:
	case op == wellWithin && same:
		parts = []string{"is all of " + value}
	case op == coversAndMore && same:
		parts = []string{"has nothing" + beyond}
	}
	if len(parts) == 0 {
		return passes()
	}
	return fails(d.subject + ": " + strings.Join(parts, ", and "))
}

// list is the names of capabilities, separated by ", ".
func list(s caps.Set) string { return strings.ReplaceAll(s.String(), ",", ", ") }
