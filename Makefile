.PHONY: run test bench lint format clippy doc

# the webhook on this machine, with its examples sent through it
run:
	cargo run -- serve --policy deploy/policy.yaml --examples deploy/examples

# every test; the first run builds the control plane, about 7 minutes
test:
	cargo test

# how long a judgement takes; docs/performance.md says what the figures mean
bench:
	cargo bench --bench judgement

lint: format clippy doc

format:
	cargo fmt --check

clippy:
	cargo clippy --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
