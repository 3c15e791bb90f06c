# Every target does its own set-up: a .venv from requirements.lock, with uv where it is installed, else with venv and
# pip, and then the project itself, editable. The stamp is written last, so a set-up that fails half-way starts anew.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

BIN := .venv/bin
READY := .venv/.ready
SOURCES := $(wildcard cli.py commands api engine compiler tests benchmarks)

# What a caller may set: make test JOBS=8, make fuzz FUZZ=20000 FUZZ_SEED=2, make test ARGS='-k floors'.
JOBS ?= 2
FUZZ ?= 2000
FUZZ_SEED ?= 1
ARGS ?=

# Settings of pip and uv (indexes, certificates, caches, constraints) are the user's and stay, except those that would
# install somewhere else than into .venv, or ask a hash of the project's own folder.
CLEAN := env -u PIP_USER -u PIP_TARGET -u PIP_PREFIX -u PIP_ROOT -u PIP_PYTHON -u PIP_REQUIRE_HASHES \
	-u PIP_REQUIRE_VIRTUALENV -u UV_SYSTEM_PYTHON -u UV_PYTHON -u UV_TARGET -u UV_PREFIX -u UV_REQUIRE_HASHES \
	-u VIRTUAL_ENV -u PYTHONHOME -u PYTHONPATH

# The versions for which every locked package is built. Sets $$python to the first command that is one of them.
IN_RANGE := -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))'
FIND_PYTHON := for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 ''; do \
	    [ -z "$$python" ] || $(CLEAN) "$$python" $(IN_RANGE) 2>/dev/null && break; \
	done; \
	if [ -z "$$python" ]; then \
	    echo 'Cellar needs Python 3.11 to 3.14 and found none: install one, or name it with make PYTHON=...' >&2; \
	    exit 1; \
	fi

.PHONY: help demo test check format fuzz docs golden bench lock upgrade clean

help: ## What can be made (this list)
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' Makefile

demo: $(READY) ## Count some twenty segments over a million made-up users
	@$(BIN)/cellar demo $(ARGS)

# Those of the service come first and take long: a worker that has none left takes some that wait behind them.
test: $(READY) ## Run the tests
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

check: $(READY) ## Check the format, the lint rules, the types and the floors of the imports
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/mypy $(SOURCES)
	@$(BIN)/python -m pytest -q tests/test_floors.py

format: $(READY) ## Format the code and mend what the linter can
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

fuzz: $(READY) ## Compare the evaluators on FUZZ random expressions, from FUZZ_SEED, and on hostile rows in every way
	@FUZZ=$(FUZZ) FUZZ_SEED=$(FUZZ_SEED) $(BIN)/python -m pytest -n $(JOBS) tests/fuzz tests/hostile $(ARGS)

docs: $(READY) ## Write the reference of the language, docs/language.md
	@$(BIN)/cellar functions --format markdown > docs/language.md.new
	@mv docs/language.md.new docs/language.md

golden: $(READY) ## Write the expected diagnostics anew, to be read before they are committed
	@GOLDEN=write $(BIN)/python -m pytest -q tests/test_diagnostics.py tests/compiler/test_diagnostics.py

bench: $(READY) ## Run the benchmarks
	@$(BIN)/python -m benchmarks $(ARGS)

lock: ## Write requirements.lock anew, keeping the pins that still fit
	@$(WRITE_LOCK)

upgrade: ## Write requirements.lock anew with the newest releases
	@$(WRITE_LOCK) --upgrade

clean: ## Remove the environment and the caches
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis

# An environment that works is brought up to date in place; one that does not is made anew. Bytecode is written at once,
# so that the first command starts as quickly as every other, also where Python may not write it.
$(READY): requirements.lock pyproject.toml
	@set -e; \
	if command -v uv >/dev/null 2>&1; then \
	    echo 'Setting up .venv with uv' >&2; \
	    if ! $(CLEAN) $(BIN)/python $(IN_RANGE) 2>/dev/null; then \
	        $(FIND_PYTHON); \
	        rm -rf .venv; \
	        $(CLEAN) uv venv --quiet --no-project --python "$$python" .venv; \
	    fi; \
	    install='uv pip install --quiet --compile-bytecode --python $(BIN)/python'; \
	else \
	    echo 'Setting up .venv with pip: the first time takes a minute' >&2; \
	    if ! { $(CLEAN) $(BIN)/python $(IN_RANGE) && $(CLEAN) $(BIN)/python -m pip --version; } >/dev/null 2>&1; then \
	        $(FIND_PYTHON); \
	        rm -rf .venv; \
	        $(CLEAN) "$$python" -m venv .venv; \
	    fi; \
	    install='$(BIN)/python -m pip install --quiet --disable-pip-version-check'; \
	fi; \
	$(CLEAN) $$install --require-hashes -r requirements.lock; \
	$(CLEAN) $$install --no-deps --no-build-isolation -e .; \
	$(BIN)/python -m compileall -q $(SOURCES)
	@touch $@

# uv resolves for every platform and Python at once, which pip cannot: where it is missing, it is installed for this once.
WRITE_LOCK = set -e; \
	folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	uv=$$(command -v uv || true); \
	if [ -z "$$uv" ]; then \
	    $(FIND_PYTHON); \
	    $(CLEAN) "$$python" -m venv "$$folder"; \
	    $(CLEAN) "$$folder/bin/python" -m pip install --quiet --disable-pip-version-check uv; \
	    uv="$$folder/bin/uv"; \
	fi; \
	$(CLEAN) "$$uv" pip compile --quiet pyproject.toml --group dev --universal --python-version 3.11 \
	    --fork-strategy fewest --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
	    --custom-compile-command 'make lock' -o requirements.lock
