package schema

import (
	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
)

// Catalog is what the catalogue says of capabilities: explain.
type Catalog struct {
	Version      int          `json:"version"`
	Capabilities []Capability `json:"capabilities"`
}

// Capability is what there is to say of one. What is not known of a bit without a
// name is null.
type Capability struct {
	Name          string             `json:"name"`
	Number        caps.Cap           `json:"number"`
	Mask          string             `json:"mask"`
	Supported     bool               `json:"supported"`
	DockerDefault bool               `json:"docker_default"`
	CapAdd        cred.Known[string] `json:"cap_add"`
	Since         cred.Known[string] `json:"since"`
	Brief         cred.Known[string] `json:"brief"`
	Permits       []string           `json:"permits"`
	Use           cred.Known[string] `json:"use"`
	Danger        cred.Known[string] `json:"danger"`
	Host          cred.Known[string] `json:"host"`
}

// NewCatalog is the document of some capabilities, for a kernel that has kernelBits.
func NewCatalog(list []caps.Cap, kernelBits int) Catalog {
	d := Catalog{Version, make([]Capability, len(list))}
	for i, c := range list {
		d.Capabilities[i] = newCapability(c, kernelBits)
	}
	return d
}

func newCapability(c caps.Cap, kernelBits int) Capability {
	e, named := catalog.Of(c)
	text := func(s string) cred.Known[string] { return cred.Known[string]{Value: s, OK: named} }
	return Capability{
		Name: c.OCI(), Number: c, Mask: c.Set().Mask(),
		Supported: int(c) < kernelBits, DockerDefault: catalog.DockerDefault.Has(c),
		CapAdd: text(c.AddWord()), Since: text(e.Since), Brief: text(e.Brief), Permits: e.Permits,
		Use: text(e.Use), Danger: text(e.Danger), Host: text(e.Host.String()),
	}
}

// Defaults is what container runtimes give by default: explain --defaults.
type Defaults struct {
	Version  int              `json:"version"`
	Defaults []RuntimeDefault `json:"defaults"`
}

// RuntimeDefault is what one of them gives, and where that is said.
type RuntimeDefault struct {
	Runtime      string   `json:"runtime"`
	Capabilities []string `json:"capabilities"`
	Mask         string   `json:"mask"`
	SeenIn       string   `json:"seen_in"`
	Source       string   `json:"source"`
	Note         string   `json:"note"`
}

// NewDefaults is the document of some defaults.
func NewDefaults(list []catalog.RuntimeDefault) Defaults {
	d := Defaults{Version, make([]RuntimeDefault, len(list))}
	for i := range list {
		d.Defaults[i] = newDefault(list[i])
	}
	return d
}

func newDefault(d catalog.RuntimeDefault) RuntimeDefault {
	return RuntimeDefault{d.Name, d.Set.OCINames(), d.Set.Mask(), d.Version, d.Source, d.Note}
}
