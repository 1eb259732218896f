# The system's Python makes the environments; everything else runs in them.
PYTHON ?= python3

.PHONY: sandbox test help

help:
	@echo 'make sandbox   a small real cloud with gpubroker on it (ARGS="--help")'
	@echo 'make test      every test; ARGS="unit functional" for some suites'

# A small real cloud with gpubroker on it.
# ARGS: --once --keep --down --status --state DIR --port-base N
sandbox:
	@$(PYTHON) -m sandbox.bootstrap $(ARGS)

# ARGS: lint unit functional cloud
test:
	@PYTHONPATH=. $(PYTHON) tests/run.py $(ARGS)
