# capsh and capset: make help lists the targets.

GO       ?= go
VERSION  ?= 0.2.0
# Where git knows it, the revision goes into --version.
REVISION ?= $(shell git describe --always --dirty --exclude='*' 2>/dev/null)
DESTDIR  ?=
PREFIX   ?= /usr/local
BINDIR   ?= $(PREFIX)/bin
MANDIR   ?= $(PREFIX)/share/man
# Where bash, zsh and fish look for what completes a command.
BASHDIR  ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR   ?= $(PREFIX)/share/zsh/site-functions
FISHDIR  ?= $(PREFIX)/share/fish/vendor_completions.d
FUZZTIME ?= 60s
# Where make dist puts the tarballs, and the time that all files in them get.
DIST     ?= dist
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

PROGRAMS    = capsh capset
MANPAGES    = $(wildcard man/*.1)
SCRIPTS     = .ci/run $(wildcard tests/*.sh packaging/*.sh)
DIST_ARCHES = amd64 arm64 arm 386 riscv64 ppc64le s390x
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
NFPM        = github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
CYCLONEDX   = github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

# The tag and the linker flags that internal/linux/inherit needs; internal/testenv
# has them for the tests.
GOTAGS    = exactstart
GOLDFLAGS = -s -w -checklinkname=0

GOBUILD = $(GO) build -trimpath -buildvcs=false -tags $(GOTAGS) -ldflags '$(GOLDFLAGS) \
	-X capsh/internal/ui/version.version=$(VERSION) -X capsh/internal/ui/version.revision=$(REVISION)'

# pflag and libcap's module turn to cgo where there is a C compiler, and the
# programs would be linked dynamically.
export CGO_ENABLED = 0

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: $(PROGRAMS:%=bin/%) ## build both programs, static, into bin/

.PHONY: $(PROGRAMS:%=bin/%)
$(PROGRAMS:%=bin/%): bin/%:
	$(GOBUILD) -o $@ ./$*

.PHONY: run
run: bin/capsh ## show which capabilities this process has
	@bin/capsh --print

.PHONY: setup
setup: ## install what the tests compare with (root on Debian or Ubuntu)
	@tests/setup.sh

.PHONY: test
test: setup check ## all checks and tests; REQUIRE_ALL=1 makes a skip a failure
	$(GO) test -count=1 -timeout=1h ./capsh/... ./capset/... ./internal/...
	$(GO) test -count=1 -timeout=1h -p 1 ./tests/...
	cd tests/kube && $(GO) vet ./... && $(GO) test -count=1 ./...

.PHONY: check
check: check-go check-scripts check-man ## formatting, vet, linters

.PHONY: check-go
check-go:
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not gofmt'ed: $$unformatted"; exit 1; }
	$(GO) mod tidy -diff
	$(GO) vet ./...
	$(GO) vet -tags $(GOTAGS) ./...
	$(GO) vet -tags guest ./tests/kernels/...
	$(GO) run $(STATICCHECK) -tags $(GOTAGS) ./...

# $(call with,TOOL,ARGS) runs a tool that may be missing where nothing is required.
with = @if command -v $(1) >/dev/null || test "$(REQUIRE_ALL)" = 1; \
	then echo '$(1) $(2)'; $(1) $(2); else echo 'SKIPPED, no $(1): $(1) $(2)'; fi

.PHONY: check-scripts
check-scripts:
	$(call with,shellcheck,$(SCRIPTS))

.PHONY: check-man
check-man:
	$(if $(MANPAGES),$(call with,mandoc,-T lint -W warning $(MANPAGES)))

.PHONY: bench
bench: build ## times beside those of the peers, and sizes; BENCH=-only=start, ps or trace
	@$(GO) run ./tests/bench $(BENCH)

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (60s)
	@FUZZTIME=$(FUZZTIME) tests/fuzz.sh

.PHONY: cross
cross: ## tests for other architectures: 32-bit and big-endian ones, emulated
	@tests/cross.sh

.PHONY: test-kernels
test-kernels: ## tests on other kernels, in qemu; KERNELS=-only=6.1 for one, -v to see it
	@$(GO) run ./tests/kernels $(KERNELS)

.PHONY: install
install: build ## install under DESTDIR, PREFIX; shell completion too
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1
	install -m 0755 $(PROGRAMS:%=bin/%) $(DESTDIR)$(BINDIR)
	$(if $(MANPAGES),install -m 0644 $(MANPAGES) $(DESTDIR)$(MANDIR)/man1)
	install -d $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR) $(DESTDIR)$(FISHDIR)
	umask 022 && bin/capsh completion bash >$(DESTDIR)$(BASHDIR)/capsh
	ln -sf capsh $(DESTDIR)$(BASHDIR)/capset
	umask 022 && bin/capsh completion zsh >$(DESTDIR)$(ZSHDIR)/_capsh
	umask 022 && bin/capsh completion fish >$(DESTDIR)$(FISHDIR)/capsh.fish
	ln -sf capsh.fish $(DESTDIR)$(FISHDIR)/capset.fish

.PHONY: uninstall
uninstall: ## remove what install put there
	rm -f $(PROGRAMS:%=$(DESTDIR)$(BINDIR)/%)
	rm -f $(MANPAGES:man/%=$(DESTDIR)$(MANDIR)/man1/%)
	rm -f $(PROGRAMS:%=$(DESTDIR)$(BASHDIR)/%) $(DESTDIR)$(ZSHDIR)/_capsh
	rm -f $(PROGRAMS:%=$(DESTDIR)$(FISHDIR)/%.fish)

# Whatever the builder's environment asks for, the oldest processors are served.
.PHONY: $(DIST_ARCHES:%=binaries-%)
$(DIST_ARCHES:%=binaries-%): export GOAMD64 = v1
$(DIST_ARCHES:%=binaries-%): export GOARM64 = v8.0
$(DIST_ARCHES:%=binaries-%): export GOARM = 6
$(DIST_ARCHES:%=binaries-%): export GO386 = sse2
$(DIST_ARCHES:%=binaries-%): export GORISCV64 = rva20u64
$(DIST_ARCHES:%=binaries-%): export GOPPC64 = power8
$(DIST_ARCHES:%=binaries-%): binaries-%:
	mkdir -p $(DIST)/build/$*
	GOOS=linux GOARCH=$* $(GOBUILD) -o $(DIST)/build/$*/ $(PROGRAMS:%=./%)

.PHONY: dist
dist: $(DIST_ARCHES:%=dist-%) ## reproducible tarballs for all architectures, with checksums
	cd $(DIST) && sha256sum $(DIST_ARCHES:%=capsh-$(VERSION)-linux-%.tar.gz) >SHA256SUMS

.PHONY: $(DIST_ARCHES:%=dist-%)
$(DIST_ARCHES:%=dist-%): dist-%: binaries-%
	rm -rf $(DIST)/capsh-$(VERSION)-linux-$*
	mkdir -p $(DIST)/capsh-$(VERSION)-linux-$*
	cp $(PROGRAMS:%=$(DIST)/build/$*/%) LICENSE README.md $(MANPAGES) $(DIST)/capsh-$(VERSION)-linux-$*
	tar -C $(DIST) --format=ustar --sort=name --owner=0 --group=0 --numeric-owner \
		--mode=u=rwX,go=rX --mtime=@$(SOURCE_DATE_EPOCH) -cf $(DIST)/$*.tar capsh-$(VERSION)-linux-$*
	gzip -n9 <$(DIST)/$*.tar >$(DIST)/capsh-$(VERSION)-linux-$*.tar.gz
	rm -r $(DIST)/$*.tar $(DIST)/capsh-$(VERSION)-linux-$*

# nfpm's names of architectures are Go's, but for the version of arm.
.PHONY: packages
packages: $(DIST_ARCHES:%=binaries-%) ## deb, rpm and apk for all architectures
	SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) packaging/stage.sh $(DIST)/build/share $(VERSION)
	GOBIN=$(abspath $(DIST))/build/tools $(GO) install $(NFPM)
	set -e; for arch in $(DIST_ARCHES); do for format in deb rpm apk; do \
		ARCH=$$(echo $$arch | sed 's/^arm$$/arm6/') STAGE=$(DIST)/build/$$arch SHARE=$(DIST)/build/share VERSION=$(VERSION) \
		SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) $(DIST)/build/tools/nfpm package -f packaging/nfpm.yaml -p $$format -t $(DIST)/; \
	done; done

.PHONY: image
image: $(DIST_ARCHES:%=binaries-%) ## an archive of an OCI image FROM scratch, for all architectures
	$(GO) run ./packaging/image -version $(VERSION) -binaries $(DIST)/build -arches '$(DIST_ARCHES)' \
		-epoch $(SOURCE_DATE_EPOCH) -out $(DIST)/capsh-$(VERSION)-image.tar

.PHONY: sbom
sbom: $(DIST_ARCHES:%=binaries-%) ## what the programs are made of, as CycloneDX
	GOBIN=$(abspath $(DIST))/build/tools $(GO) install $(CYCLONEDX)
	set -e; for arch in $(DIST_ARCHES); do for program in $(PROGRAMS); do \
		$(DIST)/build/tools/cyclonedx-gomod bin -json -std -noserial -notimestamp -version v$(VERSION) \
			-output $(DIST)/$$program-$(VERSION)-linux-$$arch.cdx.json $(DIST)/build/$$arch/$$program; \
	done; done
	$(GO) run ./packaging/licences $(DIST)/*-$(VERSION)-linux-*.cdx.json

.PHONY: release
release: dist packages image sbom ## all that a release has, in dist/; VERSION=0.2.0
	sed -n '/^## $(VERSION)/{n;:a;/^## /q;p;n;ba}' CHANGELOG.md >$(DIST)/NOTES.md
	test -s $(DIST)/NOTES.md || { echo 'CHANGELOG.md has no section $(VERSION)'; exit 1; }
	rm -rf $(DIST)/build
	cd $(DIST) && find . -type f ! -name SHA256SUMS | sed 's,^./,,' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist
