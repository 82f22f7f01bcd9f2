.PHONY: run test bench-once bench bench-check bench-audit worst-case instructions writes soak soundness mutants render binary assemble image deb cargo-deb man site deny sbom version lint format clippy doc workflows

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
	cargo test --bench evaluation --bench serving --bench writes --bench worst_case --bench check --bench audit

# measure the time of an evaluation, and the cost of a served review; docs/performance.md explains the figures
bench:
	cargo bench --bench evaluation
	cargo bench --bench serving

# measure check over 10,000 files and over one long line of JSON, and kube-linter over the same files if it is installed
bench-check:
	cargo bench --bench check

# measure audit over 5,000 gateways in 500 namespaces on a real API server; about 5 minutes
bench-audit:
	cargo bench --bench audit

# search the most expensive review: CPU time compared with a parse, and memory per byte; about 30 minutes
worst-case:
	cargo bench --bench worst_case

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

# search every sequence of writes for a gateway that reads a key, in full; about 6 minutes on two cores
soundness:
	SOUNDNESS=full cargo test --test offline -- --nocapture soundness

# change the code that finds a key, one place at a time, and list the changes that no test sees, in target/mutants.out;
# many hours on two cores; needs cargo install --locked cargo-mutants. First the tests of the package, then, for what they
# do not see, the offline tests of decisions.
mutants:
	-cargo mutants --package apim-keyless-core -- --lib
	cargo mutants --package apim-keyless-core --iterate --test-package apim-keyless -- --test offline -- $(DECISIONS)

DECISIONS = admission:: agreement:: bypasses:: cli:: corpus:: endpoints:: entra_app:: environment:: exceptions:: limits:: \
	odd_characters:: possible_gateways:: properties:: rule_docs:: said_once:: shapes:: soundness::

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
	install -D $(BINARY) target/image/$(ARCHITECTURE)/apim-keyless

# build one image from the binaries in target/image; its time is the commit's, so that the same binaries give the same image
assemble:
	$(BUILDER) build --platform $(PLATFORMS) $(AS) $(IMAGE) --timestamp $$(git log -1 --format=%ct) --identity-label=false \
		--label org.opencontainers.image.version=$(VERSION) \
		--label org.opencontainers.image.revision=$$(git rev-parse HEAD) \
		$(if $(SOURCE),--label org.opencontainers.image.source=$(SOURCE)) --file Containerfile target/image

# build a Debian package with completions and man pages; needs git, and cargo install --locked cargo-deb
deb: cargo-deb binary
	rm -rf target/package && mkdir -p target/package
	$(BINARY) man target/package/man
	for shell in bash fish zsh; do $(BINARY) completions $$shell > target/package/apim-keyless.$$shell || exit; done
	ln -s apim-keyless target/package/kubectl-apim_keyless
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) cargo deb --no-build --no-strip --locked --target $(TRIPLE) --output target

# fails before the long build
cargo-deb:
	@cargo deb --version > /dev/null

# write a man page for each command
man:
	cargo run -- man target/man

# build the site into target/site; needs cargo install --locked mdbook --no-default-features --features search
site:
	deploy/site/build $(or $(SOURCE),https://github.com/OWNER/REPOSITORY)/blob/main

# check licenses, sources and duplicates of the dependencies; needs cargo install --locked cargo-deny
deny:
	cargo deny check licenses bans sources

# write the SBOM; needs cargo install --locked cargo-cyclonedx
sbom:
	cargo cyclonedx --format json --override-filename apim-keyless.cdx

version:
	@echo $(VERSION)

VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
IMAGE = apim-keyless:$(VERSION)
BUILDER = $(shell command -v buildah || command -v podman)
BINARY = $(or $(CARGO_TARGET_DIR),target)/$(TRIPLE)/release/apim-keyless
TRIPLE = $(shell rustc --print host-tuple)
ARCHITECTURE = $(patsubst aarch64,arm64,$(patsubst x86_64,amd64,$(firstword $(subst -, ,$(TRIPLE)))))
PLATFORMS = linux/$(ARCHITECTURE)
# set it to --manifest for several platforms
AS = --tag
# URL of the source code, for the image's label
SOURCE =

lint: format workflows clippy doc

format:
	cargo fmt --all --check

# check the workflows of GitHub; needs Go
workflows:
	go -C crates/test-support/actionlint tool actionlint $(CURDIR)/.github/workflows/*.yml

clippy:
	cargo clippy --workspace --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
