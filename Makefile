# Crossplay. `make` lists the targets; each one sets up what it needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
VALIDATORS := $(VENV)/.validators
SCHEMAS := $(VENV)/npm/.installed
JOBS   ?= 2
RUNS   ?= 300
SEED   ?= 1
PLATFORMS ?= spotify,apple_music
CODE   := gateway worker shared deploy
# Whole systems: their processes mostly wait, so two may run side by side, but not beside what computes.
SYSTEMS := tests/crashes tests/upgrade tests/hosts tests/e2e tests/browser
# In the order of the folders: those whose files take long come first, so that both processes end together.
PARALLEL := --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder
ROUNDS ?= 3
SBOM   ?= build/sbom.cdx.json

.DEFAULT_GOAL := help
.PHONY: $(shell sed -n 's/^\([a-z0-9-]*\):.*/\1/p' Makefile)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with everything in it, the command `crossplay` too

$(STAMP): requirements.lock pyproject.toml
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh deploy/dev/setup.sh
	@touch $@

$(VALIDATORS): $(STAMP) deploy/validators.lock
	@echo "Installing the validators into $(VENV) ..." >&2
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r deploy/validators.lock
	@touch $@

# What operators of Kubernetes say of their own resources is published for npm alone.
$(SCHEMAS): $(STAMP) Makefile
	@if command -v npm >/dev/null; then \
		npm install --prefix $(VENV)/npm --no-save --no-audit --no-fund --ignore-scripts --loglevel error \
			@kubernetes-models/keda@2.0.0 @kubernetes-models/prometheus-operator@6.0.0 \
			@kubernetes-models/gateway-api@2.0.0 >&2 && touch $@; \
	else echo "npm is missing: the chart's custom resources cannot be validated" >&2; fi

validators: $(VALIDATORS) $(SCHEMAS) ## install what validates image, compose file and chart; without, tests of these are skipped

demo: setup ## move a playlist between two sandbox platforms, killing a worker on the way
	@$(BIN)/crossplay demo

dev: setup ## run the whole system on this machine until Ctrl-C
	@$(BIN)/crossplay dev

test: setup ## every test, with real Postgres and Redis (JOBS=0: none side by side)
	$(BIN)/pytest $(PARALLEL) $(addprefix --ignore=,$(SYSTEMS))
	$(BIN)/pytest $(PARALLEL) $(SYSTEMS)

unit: setup ## the tests that need no server
	$(BIN)/pytest tests/unit tests/contract

contract: setup ## the contract suite (FLAVORS=package.module: over a platform of another package alone)
	CONTRACT_FLAVORS=$(FLAVORS) $(BIN)/pytest tests/contract

integration: setup ## the tests against real Postgres and Redis
	$(BIN)/pytest tests/integration

e2e: setup ## the whole stack, killed and drained
	$(BIN)/pytest tests/e2e

hosts: setup ## workers on hosts of their own, whose links are cut (needs root, iproute2 and iptables)
	$(BIN)/pytest tests/hosts

browser: setup ## the pages, in a real browser (needs chromium: apt-get install chromium)
	$(BIN)/pytest tests/browser

kill-runs: setup ## kill a random worker at a random moment, twenty times
	CROSSPLAY_TEST_KILL_RUNS=20 $(BIN)/pytest -v tests/e2e/test_kills.py -k killed_worker

crash-points: setup ## stop a worker after each of its effects, every row of the table of crash points
	CROSSPLAY_TEST_CRASH_POINTS=all $(BIN)/pytest tests/crashes

chaos: setup ## random transfers under random faults, 300 runs (RUNS=20 SEED=7 PLATFORMS=all for others)
	@$(BIN)/python -m tests.chaos --runs $(RUNS) --seed $(SEED) --platforms $(PLATFORMS)

bench: setup ## measure: matching, requests, real playlists there and back
	$(BIN)/python -m tests.bench.matching
	$(BIN)/python -m tests.bench.requests
	$(BIN)/python -m tests.bench.transfers
	$(BIN)/python -m tests.bench.budget --workers 2 --seconds 20

bench-matching: setup ## measure the matcher and compare with the last recorded figures (BENCH=--record adds them)
	@$(BIN)/python -m tests.bench.matching $(BENCH)

bench-budget: setup ## measure: how workers share a limited platform, also when some are killed
	$(BIN)/python -m tests.bench.budget

fuzz: setup ## send generated requests to every operation (RUNS=300 SEED=7 for more and others)
	CROSSPLAY_TEST_FUZZ_RUNS=$(RUNS) CROSSPLAY_TEST_FUZZ_SEED=$(SEED) \
		$(BIN)/pytest tests/integration/gateway/test_schemathesis.py

bench-memory: setup ## measure a worker's peak memory with 10,000 and with 100,000 tracks
	$(BIN)/python -m tests.bench.memory

upgrade-test: setup ## replace the release before under load, back and forth (ROUNDS=3)
	CROSSPLAY_TEST_UPGRADE_ROUNDS=$(ROUNDS) $(BIN)/pytest -s tests/upgrade

sbom: validators ## list the image's Python packages as CycloneDX (SBOM=build/sbom.cdx.json)
	@mkdir -p $(dir $(SBOM))
	@$(BIN)/python -m deploy.image.sbom $(SBOM)

bench-requests: setup ## count what 1,000 tracks cost on each platform, and write the table
	$(BIN)/python -m tests.bench.platform_requests --write $(BENCH)

bench-scale: setup ## measure what transfers cost and what more of them need (BENCH=--record writes the tables)
	@$(BIN)/python -m tests.bench.scale $(BENCH)

bench-telemetry: setup ## measure what traces and metrics cost a worker, also with a collector that is dead
	$(BIN)/python -m tests.bench.telemetry $(BENCH)

image: ## build the container image with docker, podman or buildah (IMAGE=name:tag BASE=python:… BUILDER=…)
	@IMAGE="$(IMAGE)" BASE="$(BASE)" BUILDER="$(BUILDER)" BUILD_ARGS="$(BUILD_ARGS)" sh deploy/image/build.sh

compose-test: validators ## build the image and run the compose stack: move, kill, drain (needs root and podman)
	@$(BIN)/python -m tests.compose

model: setup ## search the write protocol's model (needs spin: apt-get install spin gcc libc6-dev)
	@$(BIN)/python tests/model/run.py

generate: setup ## write anew what comes from the code: settings, metrics, dashboards, the chart's files
	@for part in settings platforms cli.metric_docs grafana helm; do $(BIN)/python -m deploy.$$part; done

check: lint types imports ## what must be green at every commit, without a network
	@$(BIN)/pytest -q tests/unit

fmt: setup ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

lint: setup
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports

COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet

lock: ## write both lock files anew from pyproject.toml (needs uv)
	$(COMPILE) --extra embedded --extra dev --upgrade pyproject.toml -o requirements.lock
	$(COMPILE) --constraint requirements.lock pyproject.toml -o deploy/image/requirements.lock
	$(COMPILE) --constraint requirements.lock --extra validators pyproject.toml -o deploy/validators.lock

clean: ## remove the environment and all caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
