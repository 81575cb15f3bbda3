.DEFAULT_GOAL := help
.PHONY: help demo test test-examples test-engines engines test-kernels test-torch lint bench tables deploy pictures chaos tools gameday clean

VENV := .venv
BIN := $(VENV)/bin
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do $$p -c '$(SUPPORTED)' 2>/dev/null && echo $$p && break; done)
# A stamp for each set of dependencies: made once, remade when pyproject.toml changes.
STAMP = $(VENV)/.installed-$(1)

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(call STAMP,demo) ## Run the main job end to end on real data with an embedded Redis server
	@$(BIN)/resampler demo $(ARGS)

test: $(call STAMP,test) ## Run the tests (ARGS="-k name" to choose)
	@rm -rf .cache/numba && NUMBA_CACHE_DIR=$(CURDIR)/.cache/numba $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadgroup $(ARGS)

test-engines: $(call STAMP,test) ## Run the tests of engines, those too that start and kill clusters of Ray, Dask and Spark
	@ENGINES=long $(BIN)/python -m pytest -n 2 --dist loadgroup tests/resampler/engines tests/resampler/partitioned tests/feast_plugin/versions/test_engine_reading.py tests/feast_plugin/versions/test_engines.py tests/feast_plugin/retrieval/test_stores_by_parts.py $(ARGS)

test-kernels: $(call STAMP,test) ## Run the kernels' tests without the compiler (with coverage) and with bounds checks
	@NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 tests/resampler -m 'not compiled' --cov=resampler $(ARGS)
	@NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=$(CURDIR)/.cache/numba-bounds $(BIN)/python -m pytest -n auto --maxprocesses 4 tests/resampler $(ARGS)

test-torch: $(call STAMP,test) ## Install PyTorch, gigabytes on some machines, and run its adapter's test in its own loaders
	@$(BIN)/python -c 'import torch' 2>/dev/null || if command -v uv >/dev/null; then uv pip install -q --python $(BIN)/python torch; else $(BIN)/python -m pip install -q torch; fi
	@$(BIN)/python -m pytest tests/stream/test_torch.py $(ARGS)

ENGINES := .cache/examples/pipelines/.installed .cache/examples/airflow/.installed
test-examples: $(call STAMP,test) $(ENGINES) ## Install the engines of the examples, each in an environment of its own, and run them
	@$(BIN)/python -m pytest tests/examples $(ARGS)

engines: $(ENGINES)
# The engines and Feast do not agree on versions.
.cache/examples/%/.installed: pyproject.toml | $(VENV)/.created
	@echo "installing $* for the examples (once) ..." >&2
	@$(BIN)/python -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install -q --upgrade 'pip>=25.1' && $(@D)/bin/python -m pip install -q --group examples-$*
	@touch $@

lint: $(call STAMP,lint) ## Check format, style, types, imports and docstrings
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/numpydoc lint $$(git ls-files 'resampler/*.py' 'stream/*.py' 'feast_plugin/*.py' | grep -v -e /kernels/ -e cli.py -e resampler/commands/)

bench: $(call STAMP,bench) ## Measure against the peers; write docs/benchmarks.md (ARGS="buffer stream" to choose)
	@$(BIN)/python bench/run.py $(ARGS)

tables: $(call STAMP,test) ## Write the tables of options in the documentation
	@PYTHONPATH=. $(BIN)/python tests/harness/option_tables.py

deploy: $(call STAMP,test) ## Write the rules, dashboards and manifests of deploy/
	@PYTHONPATH=. $(BIN)/python -m deploy.generate

pictures: $(call STAMP,docs) ## Draw the pictures of the documentation
	@PYTHONPATH=. $(BIN)/python docs/pictures/before_after.py

chaos: $(call STAMP,test) ## Kill, freeze, promote and tamper for as long as it takes to believe it (half an hour)
	@CHAOS=long $(BIN)/python -m pytest tests/stream/test_chaos*.py $(ARGS)

tools: ## Get Prometheus and Alertmanager for the tests: those on PATH, or Debian's packages in .cache/tools
	@.ci/tools

gameday: $(call STAMP,test) tools ## Break a running stream in every way there is an alert for; write docs/gameday.md
	@GAMEDAY=long $(BIN)/python -m pytest tests/gameday $(ARGS)

clean: ## Remove what the other targets made
	@rm -rf $(VENV) .cache .coverage .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks dist demo-output
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# uv where there is one, else pip; the environment checks the interpreter before anything is downloaded.
$(VENV)/.created:
	@$(if $(PYTHON),$(PYTHON),false) -c '$(SUPPORTED)' || { echo "Error: Python 3.11, 3.12 or 3.13 is needed and not on PATH: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 2; }
	@if command -v uv >/dev/null; then uv venv -q --python $(PYTHON) $(VENV); else $(PYTHON) -m venv $(VENV); fi
	@touch $@

define install
	@echo "installing into $(VENV) (once, a minute or two) ..." >&2
	@if command -v uv >/dev/null; then uv pip install -q --python $(BIN)/python $(1); \
	else $(BIN)/python -m pip install -q --upgrade 'pip>=25.1' && $(BIN)/python -m pip install -q $(1); fi
	@touch $@
endef

$(call STAMP,demo): pyproject.toml | $(VENV)/.created
	$(call install,-e '.[all]')

$(call STAMP,test): pyproject.toml | $(VENV)/.created
	$(call install,-e '.[all]' --group test)

$(call STAMP,lint): pyproject.toml | $(VENV)/.created
	$(call install,-e '.[all]' --group test --group lint)

$(call STAMP,bench): pyproject.toml | $(VENV)/.created
	$(call install,-e '.[all]' --group test --group bench)

$(call STAMP,docs): pyproject.toml | $(VENV)/.created
	$(call install,-e '.[all]' --group docs)
