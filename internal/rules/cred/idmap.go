package cred

// IDRange is one line of a uid_map or gid_map (user_namespaces(7)): Count ids
// from Inside in the namespace are those from Outside seen by the reader.
type IDRange struct {
	Inside  uint32 `json:"inside"`
	Outside uint32 `json:"outside"`
	Count   uint32 `json:"count"`
}

// Inside is what the reader's id is in the namespace; false where the map has no
// place for it.
func Inside(m []IDRange, outside uint32) (uint32, bool) {
	for _, r := range m {
		if n := outside - r.Outside; outside >= r.Outside && n < r.Count {
			return r.Inside + n, true
		}
	}
	return 0, false
}

// Outside is what an id of the namespace is to the reader; false where the map
// does not have it.
func Outside(m []IDRange, inside uint32) (uint32, bool) {
	for _, r := range m {
		if n := inside - r.Inside; inside >= r.Inside && n < r.Count {
			return r.Outside + n, true
		}
	}
	return 0, false
}
