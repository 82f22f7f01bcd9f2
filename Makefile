.PHONY: run test bench soak render lint format clippy doc

# the webhook on this machine, with its examples sent through it
run:
	cargo run -- serve --policy deploy/policy.yaml --examples deploy/examples

# every test; the first run builds the control plane, about 7 minutes
test:
	cargo test

# how long a judgement takes; docs/performance.md says what the figures mean
bench:
	cargo bench --bench judgement

# replicas that come and go, stalled clients, overload and growth, in full: some 10 minutes
soak:
	SOAK_SHARE=1 cargo test --release --test soak

# the plain manifests, from the chart
render:
	$(TEMPLATE) --set createNamespace=true > deploy/install.yaml
	$(TEMPLATE) --set createNamespace=true --set enforcement=false > deploy/audit-only.yaml

TEMPLATE = go -C tests/helm tool helm template apim-keyless ../../deploy/chart --namespace apim-keyless

lint: format clippy doc

format:
	cargo fmt --check

clippy:
	cargo clippy --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
