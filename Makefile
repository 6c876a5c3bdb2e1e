# make setup | run | test | lint | format | clean, each safe to interrupt and quick the second time.
# Written for GNU make 3.81 and later (macOS ships that one), so nothing newer is used.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin/python
# Passed on to launch.py (make run ARGS="--port 8000") or pytest (make test ARGS="-k coco").
ARGS ?=
# pytest workers: one per core, at most four (each keeps a network, and perhaps a browser, in memory).
JOBS ?= logical

.PHONY: help setup setup-dev run test test-all lint format audit fuzz bench-clicks clean

help:
	@echo "make setup    create $(VENV) and install what the tool needs"
	@echo "make run      the same, then serve on http://127.0.0.1:7860   (ARGS=\"--port 8000\")"
	@echo "make test     the same, then every test, browser tests included   (ARGS=\"-k coco\")"
	@echo "make test-all the same and the heavy ones, some minutes more"
	@echo "make lint     ruff check, ruff format --check, mypy"
	@echo "make format   let ruff repair what it can"
	@echo "make audit    known holes in the libraries, by pip-audit, where its data can be reached"
	@echo "make fuzz     damage data sets and read them, led by atheris, MINUTES=10 long"
	@echo "make bench-clicks DATA=\"SET...\"   clicks until a mask is right, beside GrabCut and random walker"
	@echo "make clean    remove $(VENV) and caches; pictures and annotations stay"

setup:
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { \
		echo "$(PYTHON) is not here. Install Python 3.11 or newer, or name one: make setup PYTHON=/path/to/python3.12" >&2; \
		exit 1; }
	@"$(PYTHON)" scripts/setup_venv.py requirements.txt

setup-dev: setup
	@"$(PYTHON)" scripts/setup_venv.py requirements-dev.txt

run: setup
	@exec $(BIN) launch.py $(ARGS)

# With the slow tests, which pytest by itself leaves out; test-all runs the heavy ones too (see pyproject.toml).
test: MARKS := not heavy
test-all: MARKS :=
test test-all: setup-dev
	@$(BIN) scripts/ensure_chromium.py
	@$(BIN) scripts/ensure_postgres.py
	@$(BIN) -m pytest -n $(JOBS) --maxprocesses 4 --dist loadfile --no-loadscope-reorder -m "$(MARKS)" $(ARGS)

lint: setup-dev
	@$(BIN) -m ruff check .
	@$(BIN) -m ruff format --check .
	@$(BIN) -m mypy

format: setup-dev
	@$(BIN) -m ruff check --fix --exit-zero .
	@$(BIN) -m ruff format .

audit: setup-dev
	@$(BIN) scripts/audit.py

# atheris has no wheels for Windows, so it is not among what every developer installs; without it chance leads.
MINUTES ?= 10
fuzz: setup-dev
	@$(BIN) -m pip install --quiet "atheris>=2.3,<4" || echo "atheris cannot be installed here: chance leads" >&2
	@$(BIN) -m tests.importers.fuzz --minutes $(MINUTES) $(ARGS)

# DATA: folders with images/ and masks/ (label maps); REFERENCE: the folder of an earlier network, compared with too.
DATA ?= $(wildcard ../shared/data/dev/*)
REFERENCE ?= $(wildcard ../shared/reference-model)
bench-clicks: setup-dev
	@test -n "$(DATA)" || { echo "Say which pictures: make bench-clicks DATA=\"folder ...\" (benchmarks/clicks.py --help says how they lie there)" >&2; exit 1; }
	@$(BIN) benchmarks/clicks.py $(DATA) --segmenter builtin no_close_ups $(if $(REFERENCE),reference,) grabcut random_walker \
		$(if $(REFERENCE),--reference $(REFERENCE),) --json $(ARGS)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis test-results
