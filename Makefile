# All that is needed: Python 3.11 or newer with pip and venv, git, make. `make help` lists the targets.
PYTHON ?= python3
ARGS ?=
TESTS ?=
# What `make check` runs: tests that start no engine and talk to nobody.
QUICK_TESTS := tests/core tests/journal tests/templates tests/test_mirror.py tests/test_docstrings.py \
  tests/test_contributing.py tests/test_readme.py
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
PIP := -m pip --quiet --disable-pip-version-check

.PHONY: run check fmt test sanitize header bench screenshots lock clean help

run: $(READY)  ## open the workbench (ARGS="echo :5005 --headless": with arguments)
	@$(BIN)/socktui $(ARGS)

check: $(READY)  ## check style, types and arrows, and run the quick tests (half a minute)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto -m "not slow" $(QUICK_TESTS)

fmt: $(READY)  ## mend style: what ruff can correct, and the format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

test: $(READY)  ## check style, types and arrows, and run all tests (TESTS="-k echo": some of them)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto $(TESTS)

sanitize: $(READY)  ## run the tests of what is written in C under AddressSanitizer and UBSan
	$(BIN)/python -m tests.sanitize

header: $(READY)  ## write socktui/journal/_format.h anew from journal/format.py
	$(BIN)/python -m socktui.journal.c_header > _format.h.new && mv _format.h.new socktui/journal/_format.h

bench: $(READY)  ## measure, side by side with other programs (QUICK=1: small sizes, nothing written)
	$(BIN)/python -m tests.bench $(if $(QUICK),--quick)

screenshots: $(READY)  ## draw the pictures of the README and docs/ from the running program
	$(BIN)/python -m tests.screenshots

# Installing anew over what is there is quick; a venv that was left half made is finished.
$(READY): requirements.lock pyproject.toml $(wildcard socktui/*/*.[ch])
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "socktui needs Python 3.11 or newer: name one with 'make PYTHON=python3.12'" >&2; exit 1; }
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(PIP) install -r requirements.lock
	@$(BIN)/python $(PIP) install --no-build-isolation --no-deps -e .
	@touch $@

lock:  ## write requirements.lock anew, with the newest versions that pyproject.toml allows
	@set -e; new=$$(mktemp -d); trap 'rm -rf "$$new"' EXIT; \
	$(PYTHON) -m venv "$$new"; \
	"$$new/bin/python" $(PIP) install --upgrade 'pip>=25.1'; \
	"$$new/bin/python" $(PIP) install . --group build --group test --group pictures; \
	{ echo '# What the program runs, is built and is tested with. Made by `make lock`.'; \
	  "$$new/bin/python" $(PIP) freeze --all --exclude pip --exclude socktui; } > "$$new/requirements.lock"; \
	mv "$$new/requirements.lock" requirements.lock

clean:  ## take away what was made here
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 20
