# Everything a newcomer types. Each target sets up what it needs.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SOURCES := pyproject.toml constraints.txt $(shell find src native CMakeLists.txt -type f -not -name '*.pyc' 2>/dev/null)

.PHONY: demo test fuzz lint types bench docs clean
.DEFAULT_GOAL := test

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt torch numpy

# What is tested is the installed package, not the checkout.
$(INSTALLED): $(BIN)/python $(SOURCES)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt '.[dev]'
	@touch $@

demo: $(INSTALLED)  ## train, evaluate and report the sentiment model on real customer reviews
	$(BIN)/elman train sentiment --force

test: $(INSTALLED) lint types  ## lint, types, and every test against the installed package
	$(BIN)/python -m pytest -n 2 --dist loadfile

fuzz: $(INSTALLED)  ## feed the readers random bytes for a minute, and the commands a thousand damaged RUNs
	ELMAN_FUZZ_SECONDS=60 $(BIN)/python -m pytest tests/data/test_fuzz.py
	ELMAN_DAMAGED_RUNS=1000 $(BIN)/python -m pytest tests/cli/test_damaged_runs.py --timeout=1200

lint: $(INSTALLED)
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks

types: $(INSTALLED)
	$(BIN)/mypy

bench: $(INSTALLED)  ## the short benchmark, printed
	$(BIN)/elman bench --quick

docs: $(INSTALLED)  ## run every snippet of README and docs
	$(BIN)/python -m pytest tests/docs

clean:
	rm -rf $(VENV) build dist runs
include native/make.mk
