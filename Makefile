# Everything needs only Python 3.11 and make; set-up happens by itself.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
OFFSCREEN := QT_QPA_PLATFORM=offscreen
# Compiled once and kept, whatever the shell was told: every process of the program starts quicker.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run demo test test-long lint bench setup system system-test migration screenshots lock clean

setup: system $(STAMP)

system:
	@bash installers/system.sh run "$(PYTHON)"

system-test:
	@bash installers/system.sh test "$(PYTHON)"

$(STAMP): requirements.lock pyproject.toml installers/setup.sh | system
	@bash installers/setup.sh "$(PYTHON)" "$(VENV)"
	@touch $(STAMP)

run: setup          ## the window on a demonstration bureau, with an embedded hub
	@$(PY) -m desktop.demo run

demo: setup         ## the whole story, off screen; leaves build/demo/
	@$(OFFSCREEN) $(PY) -m desktop.demo story

test: system-test setup  ## every test, nothing skipped
	@$(OFFSCREEN) $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

SLICE ?= 1
JOBS ?= 2
test-long: system-test setup  ## 2,000 histories, 10,000 crash points, more examples; SLICE=3/10 a part of it, JOBS=n at once
	@$(OFFSCREEN) YIZHAN_TEST_LONG=$(SLICE) $(PY) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

lint: setup
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

bench: setup        ## ratios against their goals; build/bench.json
	@$(OFFSCREEN) $(PY) -m tests.bench

screenshots: setup  ## retake the pictures of the manual
	@$(OFFSCREEN) $(PY) -m desktop.demo screenshots docs/manual/images

migration: setup    ## m="what changed": a new revision from the declarations
	@$(PY) -m server_stub.revision "$(m)"

lock: setup         ## new versions of everything, with hashes, naming no index
	@$(VENV)/bin/pip install --quiet pip-tools
	@$(VENV)/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url \
		--no-emit-trusted-host --no-emit-find-links --extra desktop --extra postgresql --extra package --extra dev \
		--output-file requirements.lock pyproject.toml

clean:
	@rm -rf build .venv .mypy_cache .ruff_cache .pytest_cache
