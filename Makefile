# Everything needs only Python 3.11, make and git: each target makes the environment that it uses.

PYTHON ?= $(firstword $(foreach name,python3.11 python3,$(shell command -v $(name))))
DEMO := .venv-demo
FULL := .venv
RUN := $(FULL)/bin/python
PIP := -m pip --disable-pip-version-check install -qq --no-compile
PHOTOS ?= examples/photos/*.jpg
RECIPE ?= default
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint bundle clean

help:  ## what there is to make
	@sed -n 's/^\([a-z]*\):.*  ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: $(DEMO)/.stamp  ## score the example photos with the runtime alone (PHOTOS=... for others)
	@$(DEMO)/bin/edge-iqa inspect $(PHOTOS); status=$$?; \
	if [ $$status -gt 1 ]; then exit $$status; fi

test: lint  ## ruff, mypy and pytest in the full environment (PYTEST_ARGS="-k views" for a part)
	$(RUN) -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: $(FULL)/.stamp  ## ruff and mypy
	$(RUN) -m ruff check .
	$(RUN) -m mypy

bundle: $(FULL)/.stamp  ## committed student -> int8 -> gates -> bundle (DATA=photos.csv; RECIPE=tiny, quality)
	@test -n "$(DATA)" || { echo "make bundle DATA=path/to/photos.csv"; exit 2; }
	$(RUN) -m compression.pipeline compression/recipes/$(RECIPE).toml --data $(DATA)

# An environment is finished when its stamp is written, so one cut short is made again.
$(DEMO)/.stamp: pyproject.toml
	@echo "making $(DEMO): the runtime, without torch"
	@$(PYTHON) -c 'import sys; (3, 10) <= sys.version_info[:2] <= (3, 13) or sys.exit("needs Python 3.10 to 3.13")'
	@$(PYTHON) -m venv $(DEMO)
	@$(DEMO)/bin/python $(PIP) -e '.[litert]'
	@touch $@

$(FULL)/.stamp: requirements-dev.txt pyproject.toml
	@echo "making $(FULL): everything, about 2.5 GB"
	@$(PYTHON) -c 'import sys; sys.version_info[:2] == (3, 11) or sys.exit("needs Python 3.11: make PYTHON=path")'
	@$(PYTHON) -m venv $(FULL)
	@$(RUN) $(PIP) -r requirements-dev.txt
	@$(RUN) $(PIP) --no-deps -e .
	@touch $@

clean:  ## remove environments, caches and builds (not runs/, bundles/ or data/)
	rm -rf $(DEMO) $(FULL) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
