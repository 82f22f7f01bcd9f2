.PHONY: run test bench-once bench instructions writes soak render binary assemble image sbom version lint format clippy doc

# start the webhook on this machine and send the example manifests to it
run:
	cargo run -- serve --policy deploy/policy.yaml --examples deploy/examples

# run all tests; the first run builds the control plane, which takes about 7 minutes
test:
	cargo test --workspace --lib --bins
	cargo test --workspace --doc
	cargo test --test offline
	cargo test --test cluster -- --test-threads=6
	cargo test --test soak

# try each benchmark once, without figures
bench-once:
	cargo test --bench evaluation --bench serving --bench writes

# measure the time of an evaluation, and the cost of a served review; docs/performance.md explains the figures
bench:
	cargo bench --bench evaluation
	cargo bench --bench serving

# count the instructions of an evaluation and compare them with the previous run; needs valgrind
instructions:
	cargo install --quiet --locked --root target/runner gungraun-runner --version $(GUNGRAUN)
	GUNGRAUN_RUNNER=$(CURDIR)/target/runner/bin/gungraun-runner cargo bench --bench instructions

# the runner must have the same version as the library
GUNGRAUN = $(shell sed -n '/^name = "gungraun"$$/{n;s/version = "\(.*\)"/\1/p;}' Cargo.lock)

# measure a write through a real API server: without apim-keyless, with it, and with admission policies; about 5 minutes
writes:
	cargo bench --bench writes

# run the long tests in full: replaced replicas, stalled clients, overload, memory growth; about 10 minutes
soak:
	SOAK_DIVISOR=1 cargo test --release --test soak

# render the plain manifests from the chart
render:
	$(TEMPLATE) --set createNamespace=true > deploy/install.yaml
	$(TEMPLATE) --set createNamespace=true --set enforcement=false > deploy/audit-only.yaml

HELM = go -C crates/test-support/helm tool helm
TEMPLATE = $(HELM) template apim-keyless ../../../deploy/chart --namespace apim-keyless

# build an image for this machine's architecture with buildah or podman; docs/adr/0010 explains why it is built this way
image: binary assemble

# build a static binary, which needs no other file
binary:
	RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked --target $(TRIPLE)
	install -D $(or $(CARGO_TARGET_DIR),target)/$(TRIPLE)/release/apim-keyless target/image/$(ARCHITECTURE)/apim-keyless

# build one image from the binaries in target/image; its time is the commit's, so that the same binaries give the same image
assemble:
	$(BUILDER) build --platform $(PLATFORMS) $(AS) $(IMAGE) --timestamp $$(git log -1 --format=%ct) --identity-label=false \
		--label org.opencontainers.image.version=$(VERSION) \
		--label org.opencontainers.image.revision=$$(git rev-parse HEAD) \
		$(if $(SOURCE),--label org.opencontainers.image.source=$(SOURCE)) --file Containerfile target/image

# write the SBOM; needs cargo install --locked cargo-cyclonedx
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
# set it to --manifest for several platforms
AS = --tag
# URL of the source code, for the image's label
SOURCE =

lint: format clippy doc

format:
	cargo fmt --all --check

clippy:
	cargo clippy --workspace --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
