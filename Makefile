# The two commands that matter: make sweep, make test. The first one of either sets everything up.

EXPERIMENT ?= gates
PYTHON ?= python3
ENV := .venv
LOWEST := .venv-lowest
RUN := $(ENV)/bin
INSTALL = $(RUN)/pip install --quiet --disable-pip-version-check $(addprefix -c ,$(LOCK))

# The versions of all packages that were tested, where they were tested on this minor version of Python; the ranges of
# pyproject.toml elsewhere.
LOCKED := requirements-$(shell $(PYTHON) -c 'import sys; print("{}.{}".format(*sys.version_info))').lock
LOCK := $(wildcard $(LOCKED))

.PHONY: help sweep report replication playground test test-processes test-lowest browser torture check upgrade bench bench-check clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

sweep: $(ENV)/installed ## run experiments/$(EXPERIMENT).toml: tables, figures and a report in results/$(EXPERIMENT)
	$(RUN)/sweep run experiments/$(EXPERIMENT).toml

report: $(ENV)/installed ## draw figures and report of results/$(EXPERIMENT) again
	$(RUN)/sweep report results/$(EXPERIMENT)

playground: $(ENV)/installed ## docs/playground.html: runs that train in the page, without an installation
	$(RUN)/python -m sweep.page.playground

replication: $(ENV)/installed ## docs/replication.md, from the results of the experiments it is about
	$(RUN)/python -m experiments.replication

test: $(ENV)/installed-test ## run the tests, but for those of whole processes
	$(RUN)/python -m pytest -q -n auto -m 'not processes' $(PYTEST)

test-processes: $(ENV)/installed-test ## run the tests that start and kill whole processes, a browser among them
	$(RUN)/python -m pytest -q -n auto -m processes $(PYTEST)

test-lowest: ## make test with the lowest version of each package that pyproject.toml allows (Python 3.11 to 3.13)
	$(MAKE) --no-print-directory ENV=$(LOWEST) LOCK=$(LOWEST).txt test

browser: ## install chromium, in which the tests open reports (Debian, Ubuntu); without it these are skipped
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
		$$([ "$$(id -u)" = 0 ] || echo sudo) sh -c 'apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core'

torture: $(ENV)/installed-test ## kills, damage and random experiment files by the thousand: for hours
	TORTURE_KILLS=60 TORTURE_PLACES=1000 TORTURE_ENDS=4096 TORTURE_FILES=10000 TORTURE_ATTACKS=3000 TORTURE_REPORTS=300 TORTURE_RUNS=16777216 \
		$(RUN)/python -m pytest -q -n auto tests/test_faults.py tests/test_damage.py tests/test_fuzz.py tests/test_cluster.py \
		tests/test_attacks.py tests/test_forged.py tests/test_links.py tests/test_memory.py

check: $(ENV)/installed-check ## lint, format, types, direction of imports
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports

upgrade: ## lock the newest version of each package that pyproject.toml allows, for this Python; and check and test it
	rm -rf $(ENV)
	$(MAKE) LOCK= $(ENV)/installed-check $(ENV)/installed-test
	(echo '# by make upgrade'; $(RUN)/pip freeze --exclude-editable) >$(LOCKED)
	$(MAKE) check test test-processes

bench: $(ENV)/installed-bench ## what it costs, beside what one would use instead: results/bench and README's table, in 7 to 17 minutes
	$(RUN)/python -m bench

bench-check: $(ENV)/installed-bench ## fails if the kernel is slower than results/bench says
	$(RUN)/python -m bench.check

clean: ## remove the virtual environment and caches; results stay
	rm -rf $(ENV) $(LOWEST) $(LOWEST).txt build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

$(ENV)/installed: pyproject.toml $(LOCK)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "sweep needs Python 3.11 or later; set PYTHON=")'
	$(PYTHON) -m venv $(ENV)
	$(INSTALL) -e .
	touch $@

# PyTorch's build for CPUs alone, where pip is set up to find it; TORCH=torch takes any, which may be several GB. It is
# installed without the lock, whose mpmath is newer than its sympy allows.
TORCH ?= torch==2.13.0+cpu

$(ENV)/installed-bench: $(ENV)/installed
	$(INSTALL) -e '.[bench]'
	$(RUN)/pip install --quiet --disable-pip-version-check '$(TORCH)' || echo 'no $(TORCH) to be had: done without'
	touch $@

$(ENV)/installed-%: $(ENV)/installed
	$(INSTALL) -e '.[$*]'
	touch $@

$(LOWEST).txt: pyproject.toml
	grep -oE '"[a-z0-9-]+>=[0-9.]+' $< | sed 's/"//; s/>=/==/' >$@
