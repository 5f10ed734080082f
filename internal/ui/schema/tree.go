package schema

import (
	"capsh/internal/rules/caps"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
)

// TreeLine writes a process of the tree as an object on one line: as ps does,
// with its depth and what it has more than its parent.
func (j *JSON) TreeLine(p *cred.Process, user string, c cred.Known[container.Container], depth int, gained cred.Known[caps.Set]) {
	j.Listed(p, user, c, func() {
		j.Key("depth")
		j.Int(int64(depth))
		j.Key("gained")
		if gained.OK {
			j.Set(gained.Value)
		} else {
			j.Null()
		}
	})
}
