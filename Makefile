# Two commands need nothing but Python 3.11 or newer and make:
#   make demo   trains a network on a perceptual decision and writes its report
#   make test   runs all tests, two files at a time; PYTEST="-k rules" adds options
# Both make an environment of their own in .venv.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Packages that tests compare with, where they are installed (make peers).
export PYTHONPATH := $(CURDIR)/build/psychrnn:$(CURDIR)/build/psignifit

.PHONY: demo test lint peers notebooks bench clean

demo: $(READY)
	rm -rf runs/demo
	$(BIN)/neurotask train perceptual_discrimination --units 50 --dale 0.8 --updates 800 --seed 0 --out runs/demo

test: $(READY)
	$(BIN)/python -m pytest -q --numprocesses 2 --dist loadfile $(PYTEST)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

# PsychRNN 1.0.0 and psignifit 4.3, for the tests that compare with them. Newer pips refuse the
# metadata of the first; the second is under the GPL, so nothing here may need it.
peers: build/psychrnn/psychrnn build/psignifit/psignifit

build/psychrnn/psychrnn:
	$(PYTHON) -m venv build/old-pip
	build/old-pip/bin/python -m pip install --quiet 'pip<24.1'
	build/old-pip/bin/python -m pip install --quiet --no-deps --target build/psychrnn psychrnn==1.0.0

build/psignifit/psignifit: $(READY)
	$(BIN)/python -m pip install --quiet --no-deps --target build/psignifit psignifit==4.3

# The notebooks beside docs/tutorials/*.md, executed.
notebooks: $(READY)
	$(BIN)/python docs/make_notebooks.py

bench: $(READY)
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist *.egg-info

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "neurotask needs Python 3.11 or newer. Name one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
		{ echo "This Python cannot make environments. On Debian: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(READY)
