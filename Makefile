# `make run` plays, `make test` tests; each sets the machine up first (Debian, Ubuntu) and does nothing twice.

.PHONY: run test soak fuzz setup lint

# Plays five floors in this terminal: it ends when the sixth is reached.
run: setup
	cargo run --bin agent -- --floors 6

# The tests run the real program, with everything that it can have, so it is built first. loom explores the frame ring in a build of its own.
test:
	scripts/setup.sh --tests
	cargo build --bin agent --features local-vlm
	rm -rf $${CARGO_TARGET_DIR:-target}/debug/emitted
	cargo test --workspace --features agent/local-vlm --no-fail-fast
	cargo test --workspace --features agent/local-vlm --test emitted -- --ignored
	RUSTFLAGS="--cfg loom" cargo test -p wire --lib --target-dir $${CARGO_TARGET_DIR:-target}/loom loom

# The long forms of the campaigns: hours, one of them before a page that is left open.
soak:
	scripts/setup.sh --tests
	cargo build --release --bin agent --features local-vlm
	MALLOC_MMAP_THRESHOLD_=131072 MALLOC_ARENA_MAX=2 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
		cargo test --release -p indexes -p actors -- --ignored --nocapture --test-threads 1
	POCKETPILOT_SOAK=1 cargo test --release -p tests -- --nocapture --test-threads 1

# libFuzzer over what strangers and roles can send, a minute each, on the stable toolchain: the passes below are what
# cargo-fuzz sets as well.
COVERAGE = -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Ccodegen-units=1
fuzz:
	for target in client_message control_message; do \
		RUSTFLAGS="$(COVERAGE)" cargo run --release --manifest-path tests/fuzz/Cargo.toml --target-dir target/fuzz \
			--target $$(rustc -vV | sed -n 's/host: //p') --bin $$target -- -max_total_time=60 -max_len=4096 || exit 1; \
	done

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --features agent/local-vlm -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --features agent/local-vlm

setup:
	scripts/setup.sh
