package procfs

import "capsh/internal/rules/cred"

// Descendant is a process below another, and its parent.
type Descendant struct{ PID, Parent int }

// Parent is the parent of a process; 0 if that cannot be read.
func (r Root) Parent(pid int) int {
	text, err := r.Thread(pid, pid).Read("status")
	var p cred.Process
	if err != nil || ParseStatus(text, &p) != nil {
		return 0
	}
	return p.PPID
}

// Descendants lists the processes below one, parents first, as far as r shows them.
func (r Root) Descendants(pid int) (list []Descendant, err error) {
	pids, err := r.PIDs()
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, child := range pids {
		if parent := r.Parent(child); parent > 0 {
			children[parent] = append(children[parent], child)
		}
	}
	for at := 0; ; at++ {
		for _, child := range children[pid] {
			list = append(list, Descendant{child, pid})
		}
		if at == len(list) {
			return list, nil
		}
		pid = list[at].PID
	}
}
