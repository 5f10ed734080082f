package catalog

// UserNS grades how much of a capability counts in a user namespace that is not
// the initial one.
type UserNS uint8

// From nothing to all. Most of the kernel's checks ask for the capability in the
// initial user namespace (capable); the others ask for it in the one that owns
// the object (ns_capable).
const (
	InNothing   UserNS = iota
	InException        // nothing, with one exception
	InOnePower         // one small part
	InPart
	InFull // for ids that are mapped and namespaces that it owns
)

var userNSGrades = []grade{
	{"none", "It has no effect."},
	{"except", "It has no effect, with one exception."},
	{"one", "It has one small effect."},
	{"part", "It has part of its effect."},
	{"full", "It has its full effect, on mapped ids and on namespaces that the user namespace owns."},
}

// String is one word of at most six letters.
func (u UserNS) String() string { return of(userNSGrades, int(u)).word }

// Meaning is the grade as a sentence.
func (u UserNS) Meaning() string { return of(userNSGrades, int(u)).meaning }
