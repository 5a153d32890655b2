# The two commands that matter: make sweep, make test. The first one of either sets everything up.

EXPERIMENT ?= gates
PYTHON ?= python3
ENV := .venv
RUN := $(ENV)/bin

.PHONY: help sweep report replication test test-processes browser torture check bench bench-check clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

sweep: $(ENV)/installed ## run experiments/$(EXPERIMENT).toml: tables, figures and a report in results/$(EXPERIMENT)
	$(RUN)/sweep run experiments/$(EXPERIMENT).toml

report: $(ENV)/installed ## draw figures and report of results/$(EXPERIMENT) again
	$(RUN)/sweep report results/$(EXPERIMENT)

replication: $(ENV)/installed ## docs/replication.md, from the results of the experiments it is about
	$(RUN)/python -m experiments.replication

test: $(ENV)/installed-test ## run the tests, but for those of whole processes
	$(RUN)/python -m pytest -q -n auto -m 'not processes' $(PYTEST)

test-processes: $(ENV)/installed-test ## run the tests that start and kill whole processes, a browser among them
	$(RUN)/python -m pytest -q -n auto -m processes $(PYTEST)

browser: ## install chromium, in which the tests open reports (Debian, Ubuntu); without it these are skipped
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
		$$([ "$$(id -u)" = 0 ] || echo sudo) sh -c 'apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core'

torture: $(ENV)/installed-test ## kills, damage and random experiment files by the thousand: for hours
	TORTURE_KILLS=60 TORTURE_PLACES=1000 TORTURE_ENDS=4096 TORTURE_FILES=10000 $(RUN)/python -m pytest -q -n auto \
		tests/test_faults.py tests/test_damage.py tests/test_fuzz.py tests/test_cluster.py

check: $(ENV)/installed-check ## lint, format, types, direction of imports
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports

bench: $(ENV)/installed-bench ## what it costs, beside what one would use instead: results/bench and README's table, in about 17 minutes
	$(RUN)/python -m bench

bench-check: $(ENV)/installed-bench ## fails if the kernel is slower than results/bench says
	$(RUN)/python -m bench.check

clean: ## remove the virtual environment and caches; results stay
	rm -rf $(ENV) build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

$(ENV)/installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "sweep needs Python 3.11 or later; set PYTHON=")'
	$(PYTHON) -m venv $(ENV)
	$(RUN)/pip install --quiet --disable-pip-version-check -e .
	touch $@

# PyTorch's build for CPUs alone, where pip is set up to find it; TORCH=torch takes any, which may be several GB.
TORCH ?= torch==2.13.0+cpu

$(ENV)/installed-bench: $(ENV)/installed
	$(RUN)/pip install --quiet --disable-pip-version-check -e '.[bench]'
	$(RUN)/pip install --quiet --disable-pip-version-check '$(TORCH)' || echo 'no $(TORCH) to be had: done without'
	touch $@

$(ENV)/installed-%: $(ENV)/installed
	$(RUN)/pip install --quiet --disable-pip-version-check -e '.[$*]'
	touch $@
