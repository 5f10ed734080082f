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

// String is one word of at most six letters.
func (u UserNS) String() string {
	switch u {
	case InNothing:
		return "none"
	case InException:
		return "except"
	case InOnePower:
		return "one"
	case InPart:
		return "part"
	case InFull:
		return "full"
	}
	return "unknown"
}

// Meaning is the grade as a sentence.
func (u UserNS) Meaning() string {
	switch u {
	case InNothing:
		return "It has no effect."
	case InException:
		return "It has no effect, with one exception."
	case InOnePower:
		return "It has one small effect."
	case InPart:
		return "It has effect in part."
	case InFull:
		return "It has full effect on ids that are mapped and namespaces that it owns."
	}
	return "Not known."
}
