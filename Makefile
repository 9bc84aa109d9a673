# Commands, each sets everything up by itself: `make run`, `make converse`, `make report` and `make test`.
PYTHON ?= python3
VENV := .venv
INSTALL := $(VENV)/bin/python -m pip install -q -c constraints.txt

export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run converse report test clean

run: $(VENV)/.installed  ## serve the shipped model: a page to talk with it, and the realtime protocols
	$(VENV)/bin/parley serve

converse: $(VENV)/.installed  ## converse with the shipped model on the bundled recordings; results in out/
	$(VENV)/bin/parley converse parley/recordings --output-dir out --output dialogue.wav --plot dialogue.png --stereo --tail 1

test: $(VENV)/.installed-dev  ## lint, types, tests
	$(VENV)/bin/ruff check parley tests
	$(VENV)/bin/pyright --pythonpath $(VENV)/bin/python
	$(VENV)/bin/pytest

report: $(VENV)/.installed-dev  ## measure the shipped model again: docs/reports/tiny, within 20 minutes on two cores
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" runs/report.sh tiny

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "parley needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) -e '.[serve]'
	touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) -e '.[dev]'
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) out
