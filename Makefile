# Everything runs in an environment of its own; Python 3.11+ and make are all that is needed.
#   make demo    the cascade at work, on embedded simulated models      make check   format, lint, types, tests
#   make test    installs what the tests need, runs them                make fmt     formats and mends lint
#   make bench   speed side by side, and each goal (bench-full: all)    make docs    runs every snippet of the docs
#   make hedge   seconds saved by asking ahead, and dollars             make figures   size and manner of the code
#   make faults  every fault of the catalogue, and what follows          make simulate   whole queries in virtual time, SEEDS=10000
#   make fuzz    odd bytes for every decoder, SECONDS=60                make load    many streams, slow readers, servers that are down
#   make lowest  the tests with the least version of each dependency
# With DATA=directory of recorded, labelled rows:
#   make eval      every goal, cross-validated and as shipped            make guarantee   how often a calibration breaks its promise
#   make weights   fits the shipped weights anew                         make bench-full  speed, and the judge's CPU on them
#   make eval EVAL_ARGS=--markdown   the tables of docs/deciding.md

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := cascadeflow tests examples benchmarks reliability training
PYTEST_ARGS ?= -n auto
SECONDS ?= 60
SEEDS ?= 10000
# The least version of each dependency that the package allows, as constraints. Old ones use what newer
# ones deprecate and word their licences otherwise; the reference of one test needs a newer numpy.
LOWEST := 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	extras = [p["optional-dependencies"][e] for e in ("prices", "tools", "cli", "eval")]; \
	print(*(d.replace("[save]", "").replace(">=", "==") for d in sum(extras, p["dependencies"])), sep="\n")'

.PHONY: demo test eval guarantee weights check lint types fmt bench bench-full hedge figures docs clean faults fuzz load lowest simulate
.DEFAULT_GOAL := demo

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "cascadeflow needs Python 3.11 or newer on the PATH"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[cli,prices]"
	@: > $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test]"
	@: > $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@: > $@

demo: $(VENV)/.installed-demo
	$(BIN)/python -m cascadeflow demo

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest $(PYTEST_ARGS)

docs: $(VENV)/.installed-test
	$(BIN)/python -m pytest tests/test_docs.py tests/test_docs_events.py tests/test_docs_providers.py tests/test_readme.py tests/test_examples.py tests/test_web_stream.py tests/test_notebook.py $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)

types: $(VENV)/.installed-dev
	$(BIN)/mypy
	$(BIN)/pyright

check: lint types test

fmt: $(VENV)/.installed-dev
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

bench: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

bench-full: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks.peers
	$(BIN)/python -m benchmarks --full $(if $(DATA),--data "$(DATA)") $(BENCH_ARGS)

hedge: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks.hedge

figures: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks.figures

faults: $(VENV)/.installed-test
	$(BIN)/python -m reliability.faults $(FAULTS_ARGS)

fuzz: $(VENV)/.installed-test
	$(BIN)/python -m reliability.fuzz --seconds $(SECONDS) $(FUZZ_ARGS)

load: $(VENV)/.installed-test
	$(BIN)/python -m reliability.load

eval: $(VENV)/.installed-test
	@test -n "$(DATA)" || { echo "make eval DATA=directory of labelled rows"; exit 2; }
	$(BIN)/python -m training.evaluate "$(DATA)" $(EVAL_ARGS)

weights: $(VENV)/.installed-test
	@test -n "$(DATA)" || { echo "make weights DATA=directory of labelled rows"; exit 2; }
	$(BIN)/python -m training.fit "$(DATA)"

guarantee: $(VENV)/.installed-test
	@test -n "$(DATA)" || { echo "make guarantee DATA=directory of labelled rows"; exit 2; }
	$(BIN)/python -m training.guarantee "$(DATA)" $(EVAL_ARGS)

lowest:
	$(PYTHON) -m venv .venv-lowest
	$(PYTHON) -c $(LOWEST) > .venv-lowest/constraints.txt
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check -c .venv-lowest/constraints.txt -e ".[test]"
	.venv-lowest/bin/python -m pytest $(PYTEST_ARGS) -W ignore::DeprecationWarning \
	  --deselect tests/test_packaging.py::test_the_page_lists_what_is_needed_as_the_project_does \
	  --deselect tests/test_evaluate_metrics.py::test_definitions_equal_the_reference

simulate: $(VENV)/.installed-test
	$(BIN)/python -m reliability.simulate --seeds $(SEEDS)

clean:
	rm -rf .venv .venv-* build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
