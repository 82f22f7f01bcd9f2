.PHONY: run test bench instructions soak render binary assemble image sbom version lint format clippy doc

# the webhook on this machine, with its examples sent through it
run:
	cargo run -- serve --policy deploy/policy.yaml --examples deploy/examples

# every test; the first run builds the control plane, about 7 minutes
test:
	cargo test

# how long a judgement takes; docs/performance.md says what the figures mean
bench:
	cargo bench --bench judgement

# how many instructions a judgement takes, beside the run before; it needs valgrind
instructions:
	cargo install --quiet --locked --root target/runner gungraun-runner --version $(GUNGRAUN)
	GUNGRAUN_RUNNER=$(CURDIR)/target/runner/bin/gungraun-runner cargo bench --bench instructions

# the runner must be of the library's version
GUNGRAUN = $(shell sed -n '/^name = "gungraun"$$/{n;s/version = "\(.*\)"/\1/p;}' Cargo.lock)

# replicas that come and go, stalled clients, overload and growth, in full: some 10 minutes
soak:
	SOAK_SHARE=1 cargo test --release --test soak --test growth

# the plain manifests, from the chart
render:
	$(TEMPLATE) --set createNamespace=true > deploy/install.yaml
	$(TEMPLATE) --set createNamespace=true --set enforcement=false > deploy/audit-only.yaml

HELM = go -C tests/helm tool helm
TEMPLATE = $(HELM) template apim-keyless ../../deploy/chart --namespace apim-keyless

# an image for this machine's architecture, by buildah or podman; docs/adr/0010 says why it is built like this
image: binary assemble

# a static binary, which needs nothing beside it
binary:
	RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked --target $(TRIPLE)
	install -D $(or $(CARGO_TARGET_DIR),target)/$(TRIPLE)/release/apim-keyless target/image/$(ARCHITECTURE)/apim-keyless

# the binaries of target/image as one image; its time is the commit's, so that the same binaries give the same image
assemble:
	$(BUILDER) build --platform $(PLATFORMS) $(AS) $(IMAGE) --timestamp $$(git log -1 --format=%ct) --identity-label=false \
		--label org.opencontainers.image.version=$(VERSION) \
		--label org.opencontainers.image.revision=$$(git rev-parse HEAD) \
		$(if $(SOURCE),--label org.opencontainers.image.source=$(SOURCE)) --file Containerfile target/image

# what the binary is made of; it needs cargo install --locked cargo-cyclonedx
sbom:
	cargo cyclonedx --format json --override-filename apim-keyless.cdx

version:
	@echo $(VERSION)

VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
IMAGE = apim-keyless:$(VERSION)
BUILDER = $(shell command -v buildah || command -v podman)
TRIPLE = $(shell rustc --print host-tuple)
ARCHITECTURE = $(patsubst aarch64,arm64,$(patsubst x86_64,amd64,$(firstword $(subst -, ,$(TRIPLE)))))
PLATFORMS = linux/$(ARCHITECTURE)
# --manifest for several platforms
AS = --tag
# where the image says that its source is
SOURCE =

lint: format clippy doc

format:
	cargo fmt --check

clippy:
	cargo clippy --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
