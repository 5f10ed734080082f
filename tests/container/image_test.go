package container

import (
	"archive/tar"
	"bytes"
	"os"
	"testing"

	"capsh/internal/testenv"
)

// file is a file of an image.
type file struct {
	name string
	data []byte
	link string // the name of another file, instead of data
	caps []byte // the security.capability xattr
	mode int64  // bits beside 0755
}

// archive packs files for import.
func archive(t testing.TB, files []file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, dir := range []string{"bin/", "etc/", "www/"} {
		must(t, w.WriteHeader(&tar.Header{Name: dir, Mode: 0o755, Typeflag: tar.TypeDir}))
	}
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: 0o755 | f.mode, Size: int64(len(f.data)), Typeflag: tar.TypeReg}
		if f.link != "" {
			h.Typeflag, h.Linkname = tar.TypeLink, f.link
		}
		if f.caps != nil {
			h.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": string(f.caps)}
		}
		must(t, w.WriteHeader(h))
		if _, err := w.Write(f.data); err != nil {
			t.Fatal(err)
		}
	}
	must(t, w.Close())
	return b.Bytes()
}

// program is one of this project.
func program(t testing.TB, name string) file {
	t.Helper()
	return load(t, name, testenv.Build(t, name))
}

// load takes a static program of this host.
func load(t testing.TB, name, path string) file {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return file{name: name, data: data}
}

// busybox is a shell and all that it calls; no bash.
func busybox(t testing.TB) []file {
	t.Helper()
	return []file{load(t, "busybox", testenv.Tool(t, "busybox")), {name: "bin/sh", link: "busybox"}}
}

// accounts are the names that the images have.
func accounts() []file {
	return []file{
		{name: "etc/passwd", data: []byte("root:x:0:0:root:/:/bin/sh\napp:x:1000:1001:app:/home/app:/bin/sh\n")},
		{name: "etc/group", data: []byte("root:x:0:\napp:x:1001:\nextra:x:1002:app\n")},
	}
}
