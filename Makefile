# Two commands, each sets everything up by itself: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
INSTALL := $(VENV)/bin/python -m pip install -q -c constraints.txt

export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test test-clients clean

run: $(VENV)/.installed  ## converse with the shipped model on the bundled recordings; results in out/
	$(VENV)/bin/parley converse parley/recordings --output-dir out --output dialogue.wav --plot dialogue.png --stereo --tail 1

test: $(VENV)/.installed-dev  ## lint, types, tests
	$(VENV)/bin/ruff check parley tests
	$(VENV)/bin/pyright --pythonpath $(VENV)/bin/python
	$(VENV)/bin/pytest

CLIENTS := tests/clients
BROWSER := $(or $(CHROMIUM),$(firstword $(shell command -v chromium chromium-browser google-chrome)))

test-clients: $(VENV)/.installed-dev $(CLIENTS)/node_modules/.installed $(CLIENTS)/.venv/.installed browser  ## the page and the SDKs
	CHROMIUM=$$(command -v $(or $(BROWSER),chromium)) $(VENV)/bin/pytest $(CLIENTS) -n 0

.PHONY: browser
browser:
	command -v $(or $(BROWSER),chromium) > /dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }

$(CLIENTS)/node_modules/.installed: $(CLIENTS)/package.json $(CLIENTS)/package-lock.json
	cd $(CLIENTS) && npm ci --ignore-scripts
	touch $@

$(CLIENTS)/.venv/.installed: $(CLIENTS)/requirements.txt
	$(PYTHON) -m venv $(CLIENTS)/.venv
	$(CLIENTS)/.venv/bin/python -m pip install -q -r $<
	touch $@

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "parley needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) -e .
	touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) -e '.[dev]'
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) out $(CLIENTS)/node_modules $(CLIENTS)/.venv
