package catalog

import "capsh/internal/rules/caps"

// entries describes every named capability, from the kernel's own checks
// (capable, ns_capable and their kind) and capabilities(7). The kernel versions
// are those in which the capability, or the rule named, first appeared.
var entries = index(auditEntries, filesEntries, idsEntries, kernelEntries, networkEntries, processEntries)

func index(groups ...[]Entry) (list [caps.Named]*Entry) {
	for _, group := range groups {
		for i := range group {
			list[group[i].Cap] = &group[i]
		}
	}
	return list
}
