# `make demo` and `make test` set up what they need, then do their job.

VENV := .venv
PYTHON := $(VENV)/bin/python
READY := $(VENV)/.ready

.PHONY: demo test check bench clean

demo: $(READY)
	$(VENV)/bin/ringback demo

test: check
	scripts/need sipp postgresql
	$(PYTHON) -m pytest

check: $(READY)
	$(VENV)/bin/ruff format --check src tests bench scripts
	$(VENV)/bin/ruff check src tests bench scripts
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: $(READY)
	scripts/need sipp rtpengine postgresql
	$(PYTHON) -m bench

$(READY): pyproject.toml constraints.txt
	scripts/need venv
	test -x $(PYTHON) || python3 -m venv $(VENV)
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(VENV)/bin/pip install --quiet --editable '.[dev]'
	touch $(READY)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
