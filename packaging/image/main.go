// Command image writes an archive of an OCI image FROM scratch with both programs,
// for several architectures: an index of images in the OCI layout, which podman,
// skopeo and newer Docker load. The archive has a manifest.json as well, by which
// older Docker loads the image of one architecture. The same input gives the same
// bytes.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The media types of the OCI image spec.
const (
	indexType    = "application/vnd.oci.image.index.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// descriptor points to a blob.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    *platform         `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	Variant      string `json:"variant,omitempty"`
}

// document is an index or a manifest.
type document struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        *descriptor  `json:"config,omitempty"`
	Layers        []descriptor `json:"layers,omitempty"`
	Manifests     []descriptor `json:"manifests,omitempty"`
}

func main() {
	version := flag.String("version", "", "version of the programs, the tag of the image")
	binaries := flag.String("binaries", "", "directory with a directory of programs for each architecture")
	arches := flag.String("arches", "", "architectures, with blanks between")
	epoch := flag.Int64("epoch", 0, "time of all files, in seconds since 1970")
	out := flag.String("out", "", "archive to write")
	flag.Parse()
	b := builder{version: *version, created: time.Unix(*epoch, 0).UTC(), blobs: map[string][]byte{}}
	if err := b.write(*out, *binaries, strings.Fields(*arches)); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// builder gathers the blobs of an image, by their digests.
type builder struct {
	version string
	created time.Time
	blobs   map[string][]byte
}

func (b *builder) write(out, binaries string, arches []string) error {
	var images []descriptor
	var docker []byte
	for _, arch := range arches {
		image, manifest, err := b.image(filepath.Join(binaries, arch), arch)
		if err != nil {
			return err
		}
		images = append(images, image)
		if docker == nil {
			docker = manifest // of the first architecture
		}
	}
	list, err := b.add(indexType, document{SchemaVersion: 2, MediaType: indexType, Manifests: images})
	if err != nil {
		return err
	}
	list.Annotations = map[string]string{"org.opencontainers.image.ref.name": "capsh:" + b.version}
	index, err := json.Marshal(document{SchemaVersion: 2, MediaType: indexType, Manifests: []descriptor{list}})
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"oci-layout":    []byte(`{"imageLayoutVersion":"1.0.0"}`),
		"index.json":    index,
		"manifest.json": docker,
	}
	for digest, text := range b.blobs {
		files[blobPath(digest)] = text
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer f.Close()
	return b.archive(f, files, 0o644)
}

// image adds the image of one architecture; docker is the manifest.json for it.
func (b *builder) image(dir, arch string) (image descriptor, docker []byte, err error) {
	layer, diffID, err := b.layer(dir)
	if err != nil {
		return image, nil, err
	}
	p := platform{Architecture: arch, OS: "linux"}
	if arch == "arm" {
		p.Variant = "v6"
	}
	config, err := b.add(configType, map[string]any{
		"created": b.created.Format(time.RFC3339), "architecture": p.Architecture, "os": p.OS, "variant": p.Variant,
		"config": map[string]any{
			"Entrypoint": []string{"/capsh"}, "Cmd": []string{"--print"},
			"Labels": map[string]string{
				"org.opencontainers.image.version":  b.version,
				"org.opencontainers.image.licenses": "BSD-3-Clause",
				"org.opencontainers.image.title":    "capsh and capset",
			},
		},
		"rootfs":  map[string]any{"type": "layers", "diff_ids": []string{diffID}},
		"history": []map[string]string{{"created": b.created.Format(time.RFC3339), "created_by": "make image"}},
	})
	if err != nil {
		return image, nil, err
	}
	image, err = b.add(manifestType, document{SchemaVersion: 2, MediaType: manifestType, Config: &config, Layers: []descriptor{layer}})
	if err != nil {
		return image, nil, err
	}
	image.Platform = &p
	docker, err = json.Marshal([]map[string]any{{
		"Config": blobPath(config.Digest), "RepoTags": []string{"capsh:" + b.version}, "Layers": []string{blobPath(layer.Digest)},
	}})
	return image, docker, err
}

// layer adds a layer with both programs; diffID is the digest of its tar.
func (b *builder) layer(dir string) (layer descriptor, diffID string, err error) {
	files := map[string][]byte{}
	for _, name := range []string{"capsh", "capset"} {
		if files[name], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			return layer, "", err
		}
	}
	var plain, packed bytes.Buffer
	if err := b.archive(&plain, files, 0o755); err != nil {
		return layer, "", err
	}
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return layer, "", err
	}
	if _, err := z.Write(plain.Bytes()); err != nil {
		return layer, "", err
	}
	if err := z.Close(); err != nil {
		return layer, "", err
	}
	return b.addBytes(layerType, packed.Bytes()), digestOf(plain.Bytes()), nil
}

// archive writes a tar of files, in the order of their names.
func (b *builder) archive(to io.Writer, files map[string][]byte, mode int64) error {
	names := []string{}
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	w := tar.NewWriter(to)
	for _, name := range names {
		h := tar.Header{Name: name, Mode: mode, Size: int64(len(files[name])), ModTime: b.created, Format: tar.FormatUSTAR}
		if err := w.WriteHeader(&h); err != nil {
			return err
		}
		if _, err := w.Write(files[name]); err != nil {
			return err
		}
	}
	return w.Close()
}

func (b *builder) add(mediaType string, document any) (descriptor, error) {
	text, err := json.Marshal(document)
	return b.addBytes(mediaType, text), err
}

func (b *builder) addBytes(mediaType string, text []byte) descriptor {
	digest := digestOf(text)
	b.blobs[digest] = text
	return descriptor{MediaType: mediaType, Digest: digest, Size: len(text)}
}

func digestOf(text []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(text)) }

func blobPath(digest string) string { return "blobs/" + strings.Replace(digest, ":", "/", 1) }
