# `make run` plays, `make test` tests; each sets the machine up first (Debian, Ubuntu) and does nothing twice.

.PHONY: run test soak setup lint

# Plays five floors in this terminal: it ends when the sixth is reached.
run: setup
	cargo run --quiet --bin agent -- --floors 6

# The tests run the real program, so it is built first; both builds share their dependencies.
test:
	scripts/setup.sh --tests
	cargo build --bin agent
	cargo test --workspace

# The long forms of the campaigns: an hour or more.
soak:
	scripts/setup.sh --tests
	cargo build --release --bin agent
	POCKETPILOT_SOAK=1 cargo test --release -p tests -- --nocapture --test-threads 1

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items

setup:
	scripts/setup.sh
