# What can be done here? `make help` lists it. Everything is fetched on first use: Python packages into .venv, a private
# Asterisk and PostgreSQL (Debian's packages, unpacked, not installed) into var/.

SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# Most stories wait for phones that ring, so three workers share two cores well; files stay whole and in their order,
# since the stories of one file share an Asterisk.
WORKERS ?= 3
TESTS := -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help run demo test prove chaos docker-test lint bench format lock clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

run: $(VENV)/.runs ## the main job on embedded defaults: private Asterisk, SQLite, a sample company, real calls; stays up
	$(RUN) -m router demo --stay

demo: $(VENV)/.runs ## the same, ends by itself; fails if a call reached the wrong phone or none
	$(RUN) -m router demo

test: $(VENV)/.tests ## everything, every story once with small numbers
	$(RUN) $(TESTS)

prove: $(VENV)/.tests ## the same tests with full numbers; writes var/proof.json
	PROVE=1 $(RUN) $(TESTS)

chaos: $(VENV)/.tests ## calls while everything fails in turn: ARGS="--minutes 10 --rate 10 --seed 1"; writes var/chaos.json
	$(RUN) -m tests.chaos $(ARGS)

docker-test: $(VENV)/.tests ## all of it in containers, for real: needs root and docker.io, docker-compose, mmdebstrap, or an engine
	CONTAINERS=1 $(RUN) -m pytest tests/docker

bench: $(VENV)/.tests ## side by side with other mechanisms, on the private Asterisk; writes var/bench.json
	$(RUN) -m tests.bench $(ARGS)

lint: $(VENV)/.tests ## formatting, lint, types, arrows between rooms, the dialplan
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(RUN) -m tests.dialplan

format: $(VENV)/.tests ## put the code into its one form
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

lock: $(VENV)/.tests ## resolve the dependencies anew, with hashes and without addresses
	$(VENV)/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --upgrade pyproject.toml -o requirements.lock
	$(VENV)/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --upgrade --extra dev pyproject.toml -c requirements.lock -o requirements-dev.lock

clean: ## remove what was fetched and made
	rm -rf $(VENV) var

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is missing: install it, or name it with make PYTHON=…"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv is missing: install Debian's package python3-venv."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runs: $(VENV)/.made requirements.lock pyproject.toml
	@echo "Installing the router's Python packages…"
	$(RUN) -m pip install --disable-pip-version-check -q --require-hashes -r requirements.lock
	$(RUN) -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.tests: $(VENV)/.runs requirements-dev.lock
	@echo "Installing what the tests need…"
	$(RUN) -m pip install --disable-pip-version-check -q --require-hashes -r requirements-dev.lock
	@touch $@
