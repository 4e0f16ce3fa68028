# Needs python3.11, pip, git and a POSIX shell; everything else is fetched into .tools and .venv.
SHELL := /bin/sh
PYTHON ?= python3.11
export PIP_ROOT_USER_ACTION := ignore
UV := UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy .tools/bin/uv --system-certs
BIN := .venv/bin
# without compiled files each start of a program would take seconds
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup install run test test-msgraph lint docs-check format bench bench-sync soak chaos docs lock clean

help: ## show what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: .venv/.dev ## install everything a contributor needs
	@if [ -d .git ] && [ -x $(BIN)/pre-commit ]; then $(BIN)/pre-commit install >/dev/null 2>&1 || true; fi

install: .venv/.run ## install what is needed to run Kalends, into .venv

run: .venv/.run ## start the demo: a calendar server, two schedules, the API (Ctrl-C ends it)
	@$(BIN)/kalends demo $(ARGS)

test: .venv/.dev lint ## every check: format, lint, types, layering, documents, tests
	@$(BIN)/pytest $(if $(ARGS),$(ARGS),-n auto --dist worksteal)

test-msgraph: .venv/.dev .msgraph/.made ## drive the sandbox of Microsoft by Microsoft's own client, which takes 250 MB
	@$(BIN)/python -m scripts.msgraph_sdk $(ARGS)

lint: .venv/.dev ## format, lint, types and layering, without the tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

docs-check: .venv/.dev ## run the commands and snippets of the documents, and follow their links
	@$(BIN)/python -m scripts.docs_check $(ARGS)

format: .venv/.dev ## rewrite the code in the house format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: .venv/.dev ## measure the API's reads, and polls that find nothing, each against a floor in the same run
	@$(BIN)/python -m bench.reads
	@$(BIN)/python -m bench.polling $(ARGS)

bench-sync: .venv/.dev .bench/.made ## measure imports, feeds, Google and Microsoft, beside vdirsyncer, python caldav and floors (an hour)
	@$(BIN)/python -m bench.reader
	@$(BIN)/python -m bench.feeds
	@$(BIN)/python -m bench.google
	@$(BIN)/python -m bench.microsoft
	@$(BIN)/python -m bench.push
	@$(BIN)/python -m bench.export
	@$(BIN)/python -m bench.sync $(ARGS)

soak: .venv/.dev ## minutes of faults between Kalends and real servers, of made-up histories and texts, with fresh seeds, and figures
	@$(BIN)/pytest tests/faults/soak.py::test_soak -s $(ARGS)
	@KALENDS_TEST_STATE_EXAMPLES=$${KALENDS_TEST_STATE_EXAMPLES:-100} $(BIN)/pytest tests/state_machine
	@KALENDS_TEST_MAILBOXES=$${KALENDS_TEST_MAILBOXES:-50} $(BIN)/pytest tests/microsoft/test_throttling.py
	@KALENDS_TEST_READER_CASES=$${KALENDS_TEST_READER_CASES:-20000} $(BIN)/pytest tests/ical/test_reference.py

chaos: .venv/.dev ## minutes of faults while workers are killed and begun anew, import and export, and figures
	@$(BIN)/pytest tests/faults/soak.py -k chaos -s $(ARGS)

docs: .venv/.dev ## make the reference pages and the pictures anew from the code
	@$(BIN)/python -m scripts.reference
	@$(BIN)/python -m scripts.picture
	@$(BIN)/python -m scripts.consent_pages

lock: .tools/bin/uv ## make the hashed requirement files anew from pyproject.toml
	@$(UV) pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --extra demo --group hatch pyproject.toml -o requirements/run.txt
	@$(UV) pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --extra demo --group dev -c requirements/run.txt pyproject.toml -o requirements/dev.txt
	@$(UV) pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --group bench -o requirements/bench.txt
	@$(UV) pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --group msgraph -o requirements/msgraph.txt

clean: ## remove what setup and the tests made
	rm -rf .venv .bench .msgraph .tools .local .mypy_cache .ruff_cache .pytest_cache .hypothesis tests/sdk/node_modules

.tools/bin/uv: requirements/tools.txt
	@echo "fetching the installer"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-warn-script-location --upgrade --target .tools --require-hashes -r requirements/tools.txt
	@touch .tools/bin/uv

# a stamp of its own: .venv/bin/python is a link, and its time is that of an interpreter that others share
.venv/.made: .tools/bin/uv
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	@touch $@

.bench/.made: .tools/bin/uv requirements/bench.txt
	@echo "installing what Kalends is measured beside"
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .bench
	@$(UV) pip sync --quiet --require-hashes --python .bench/bin/python requirements/bench.txt
	@touch $@

.msgraph/.made: .tools/bin/uv requirements/msgraph.txt
	@echo "installing Microsoft's own client"
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .msgraph
	@$(UV) pip sync --quiet --require-hashes --python .msgraph/bin/python requirements/msgraph.txt
	@touch $@

.venv/.run: .venv/.made requirements/run.txt pyproject.toml
	@if [ -e .venv/.dev ]; then $(MAKE) --no-print-directory .venv/.dev; else \
	echo "installing Kalends" && \
	$(UV) pip sync --quiet --require-hashes --python $(BIN)/python requirements/run.txt && \
	$(UV) pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python -e . && \
	touch $@; fi

.venv/.dev: .venv/.made requirements/dev.txt pyproject.toml
	@echo "installing Kalends and what its checks need"
	@$(UV) pip sync --quiet --require-hashes --python $(BIN)/python requirements/dev.txt
	@$(UV) pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python -e .
	@touch .venv/.run $@
