package sandbox

import (
	"encoding/json"
	"strings"
	"sync"

	"capsh/internal/linux/files"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/container"
)

// Names knows what Docker and Podman call their containers, from the files in which
// they keep that. It may be used by several goroutines; the zero value is ready.
type Names struct {
	mu    sync.Mutex
	known map[string]string // by id
}

// Name is the name of a container, "" where no file shows it: it is another
// runtime's, the files may not be read, or the runtime keeps them elsewhere.
func (n *Names) Name(c container.Container) string {
	if c.ID == "" || c.Runtime != catalog.Docker && c.Runtime != catalog.Podman {
		return ""
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	name, ok := n.known[c.ID]
	if ok {
		return name
	}
	if n.known == nil {
		n.known = map[string]string{}
	}
	if c.Runtime == catalog.Docker {
		n.known[c.ID] = dockerName(c.ID)
	} else {
		n.known[c.ID] = "" // unless it is listed
		n.readPodman()
	}
	return n.known[c.ID]
}

// dockerName reads the name from the file that Docker has for each container. It
// begins with a slash there.
func dockerName(id string) string {
	if strings.Contains(id, "/") {
		return ""
	}
	text, _ := files.Here.ReadFile("/var/lib/docker/containers/" + id + "/config.v2.json") // none: no name
	var config struct{ Name string }
	if json.Unmarshal(text, &config) != nil {
		return ""
	}
	return strings.TrimPrefix(config.Name, "/")
}

// readPodman reads the names of all containers of Podman. Those that are removed when
// they end (podman run --rm) are in a list of their own.
func (n *Names) readPodman() {
	for _, driver := range [...]string{"overlay", "vfs", "btrfs", "zfs"} {
		for _, list := range [...]string{
			"/var/lib/containers/storage/" + driver + "-containers/containers.json",
			"/run/containers/storage/" + driver + "-containers/volatile-containers.json",
			"/var/lib/containers/storage/" + driver + "-containers/volatile-containers.json",
		} {
			text, _ := files.Here.ReadFile(list) // none: no names
			var containers []struct {
				ID    string
				Names []string
			}
			if json.Unmarshal(text, &containers) != nil {
				continue
			}
			for _, c := range containers {
				if len(c.Names) > 0 && n.known[c.ID] == "" {
					n.known[c.ID] = c.Names[0]
				}
			}
		}
	}
}
