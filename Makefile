# Verbs only. 'make demo' runs the main job, 'make test' passes the tests; each installs what it lacks.

CARGO := cargo
MODEL := models/tiny.ndf
NDA := $(CARGO) run --release --quiet --locked -p nda-cli --

.PHONY: demo test tools build train-test wave clean

# A prompt on every back end: the text, and a table that says whether the tokens are equal.
demo: tools
	$(CARGO) build --release --locked -p nda-cli
	$(NDA) demo $(MODEL) --max-tokens 16

test: tools
	$(CARGO) test --release --locked --workspace

build: tools
	$(CARGO) build --release --locked --workspace

# What the build needs from the system: a C++ compiler and Verilator.
tools:
	@./tools.sh

# Self-checks of the training code; needs Python with host/train/requirements.txt.
train-test:
	cd host/train && python3 test_train.py

wave: tools
	$(NDA) wave --out nda.vcd

clean:
	$(CARGO) clean
