# `make run` brings the studio up, `make test` checks everything. Both set up what they need: a
# virtual environment in .venv and, where there is Node.js, the page in src/mien/server/studio.
#
#     make run ARGS="--port 9000"      make PYTHON=/path/to/python3.12

VENV := .venv
BIN := $(VENV)/bin
PAGE := src/mien/server/studio/index.html
MODULES := web/node_modules/.package-lock.json
# Folders count too: they change when a file is removed.
PAGE_SOURCES := $(MODULES) $(wildcard web/*.html web/*.ts web/*.json src/mien/assets/*.json \
    src/mien/render/shaders/sprite.frag) \
    $(shell find web/src web/public 2>/dev/null)

.PHONY: help run test lint bench web page clean

help:  ## Say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/.run page  ## Bring the studio up (ARGS= for the options of `mien live`)
	@$(BIN)/mien live $(ARGS)

test:  ## Lint, types, the page's tests, all tests
	@$(MAKE) --silent --no-print-directory -j2 $(VENV)/.dev page
	@scripts/check

lint: $(VENV)/.dev  ## Lint and types alone
	@scripts/check lint types

bench: $(VENV)/.dev  ## Speed, as ratios against a reference in the same run
	@$(BIN)/python -m benchmarks $(ARGS)

web: $(PAGE)  ## Build the page

clean:  ## Remove all that was made here
	rm -rf $(VENV) web/node_modules $(dir $(PAGE)) benchmarks/out build dist
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis

# The page is built where that is possible; without Node.js the server says so in its place.
page:
	@if scripts/find-node; then $(MAKE) --silent --no-print-directory $(PAGE); fi

$(PAGE): $(PAGE_SOURCES)
	@echo "mien: building the page"
	@cd web && npm run --silent build -- --logLevel warn

$(MODULES): web/package.json web/package-lock.json web/.npmrc
	@echo "mien: installing what the page is built with"
	@cd web && npm ci --no-audit --no-fund
	@touch $@

$(BIN)/python:
	@python=$$(PYTHON=$(PYTHON) scripts/find-python) && set -x && "$$python" -m venv --clear $(VENV)

# $(call install,extras): the versions of constraints.txt, mien itself as a link to this checkout.
# What pip would compile on one core is compiled on all; some packages bring what does not compile.
define install
$(BIN)/python -m pip install --no-input --disable-pip-version-check --no-compile --prefer-binary \
    -c constraints.txt -e '.$(1)'
@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
@scripts/headless-opencv $(BIN)/python
endef

$(VENV)/.run: $(BIN)/python pyproject.toml constraints.txt scripts/headless-opencv
	$(call install,[feedback])
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml constraints.txt scripts/headless-opencv
	$(call install,[dev])
	@touch $@ $(VENV)/.run
