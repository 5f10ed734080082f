package schema

import (
	"capsh/internal/rules/caps"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
)

// Listed is a process as ps lists it.
type Listed struct {
	Version int `json:"version"`
	Identity
	User cred.Known[string] `json:"user"`
	State
	Seccomp   cred.Known[string]   `json:"seccomp"`
	UserNS    UserNSNumber         `json:"user_namespace"`
	Contained cred.Known[bool]     `json:"contained"`
	Container *Container           `json:"container"`
	Differing cred.Known[[]Thread] `json:"differing_threads"`
}

// NewListed is the document of a process. User is the name of its effective uid,
// "" for none; c is its container, the zero one for none.
func NewListed(p *cred.Process, user string, c cred.Known[container.Container]) Listed {
	return Listed{
		Version: Version, Identity: newIdentity(p), User: nonEmpty(user), State: newState(&p.State),
		Seccomp: text(p.Seccomp), UserNS: UserNSNumber{p.UserNS.Inode, p.UserNS.Initial()},
		Contained: cred.Known[bool]{Value: c.Value != container.Container{}, OK: c.OK},
		Container: newContainer(c.Value), Differing: differing(p),
	}
}

// Branch is a process as tree lists it.
type Branch struct {
	Listed
	Depth  int                  `json:"depth"`
	Gained cred.Known[[]string] `json:"gained"`
}

// NewBranch is the document of a process at a depth of the tree, from 0; gained is
// what it has more than its parent, unknown for a root.
func NewBranch(l Listed, depth int, gained cred.Known[caps.Set]) Branch {
	return Branch{l, depth, cred.Known[[]string]{Value: gained.Value.OCINames(), OK: gained.OK}}
}

// Container says which container it is.
type Container struct {
	Runtime cred.Known[string] `json:"runtime"`
	ID      cred.Known[string] `json:"id"`
	PodUID  cred.Known[string] `json:"pod_uid"`
	Name    cred.Known[string] `json:"name"`
}

// newContainer is nil for none.
func newContainer(c container.Container) *Container {
	if c == (container.Container{}) {
		return nil
	}
	return &Container{nonEmpty(c.Runtime), nonEmpty(c.ID), nonEmpty(c.PodUID), nonEmpty(c.Name)}
}
