# The system's Python makes the environments; everything else runs in them.
PYTHON ?= python3

.PHONY: sandbox test test-long help

help:
	@echo 'make sandbox   a small real cloud with gpubroker on it (ARGS="--help")'
	@echo 'make test      every test; ARGS="unit functional" for some suites'
	@echo 'make test-long the same with all seeds, rounds and places: hours'

# A small real cloud with gpubroker on it.
# ARGS: --once --keep --down --status --state DIR --port-base N --faults
#       --with horizon
sandbox:
	@$(PYTHON) -m sandbox.bootstrap $(ARGS)

# ARGS: lint unit functional browser cloud
test:
	@PYTHONPATH=. $(PYTHON) tests/run.py $(ARGS)

# As test. Every round is told on the way.
test-long:
	@GPUBROKER_TEST_LONG=1 PYTHONPATH=. $(PYTHON) tests/run.py $(ARGS)
