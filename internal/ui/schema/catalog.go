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
	// Root is how an ordinary user's process gets what root has, null where it does
	// not; RootWith are the capabilities that this needs besides.
	Root     cred.Known[string] `json:"root"`
	RootWith []string           `json:"root_with"`
	Host     cred.Known[string] `json:"host"`
	// UserNS is how much of it counts in a user namespace other than the initial
	// one, Inside what.
	UserNS  cred.Known[string] `json:"user_namespace"`
	Inside  cred.Known[string] `json:"inside"`
	Sources *Sources           `json:"sources"`
}

// Sources are where what is said can be checked: manual pages and functions of the
// kernel's source. Permits are in the order of the items.
type Sources struct {
	Permits []string `json:"permits"`
	Danger  string   `json:"danger"`
	Inside  string   `json:"inside"`
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
	d := Capability{
		Name: c.OCI(), Number: c, Mask: c.Set().Mask(),
		Supported: int(c) < kernelBits, DockerDefault: catalog.DockerDefault.Has(c),
		CapAdd: text(c.AddWord()), Since: text(e.Since), Brief: text(e.Brief),
		Use: text(e.Use), Danger: text(e.Danger.Text), Host: text(e.Host.String()),
		Root:   cred.Known[string]{Value: e.Root, OK: e.Root != ""},
		UserNS: text(e.UserNS.String()), Inside: text(e.Inside.Text),
	}
	if !named {
		return d
	}
	d.RootWith, d.Sources = e.With.OCINames(), &Sources{Danger: e.Danger.Source, Inside: e.Inside.Source}
	for _, p := range e.Permits {
		d.Permits = append(d.Permits, p.Text)
		d.Sources.Permits = append(d.Sources.Permits, p.Source)
	}
	return d
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
