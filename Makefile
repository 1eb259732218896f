# The system's Python makes the environments; everything else runs in them.
PYTHON ?= python3

.PHONY: sandbox

# A small real cloud with gpubroker on it.
# ARGS: --once --keep --down --status --state DIR --port-base N
sandbox:
	@$(PYTHON) -m sandbox.bootstrap $(ARGS)
