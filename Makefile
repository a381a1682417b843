# Everything a person or CI runs. Each target sets up what it needs in .venv first.
.DEFAULT_GOAL := help
.PHONY: help setup demo stop test test-live lint format bench pipeline lock clean

BIN := .venv/bin
# Touched when .venv holds exactly what requirements.lock names.
STAMP := .venv/.installed
# Two processes are as many as two cores keep busy.
WORKERS ?= 2
# If this is set, each of the hundreds of processes started by tests recompiles everything that it imports.
unexport PYTHONDONTWRITEBYTECODE

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## create .venv with the locked packages and this checkout in it
	@echo "ready: source .venv/bin/activate"

$(STAMP): requirements.lock pyproject.toml scripts/setup.sh
	@scripts/setup.sh

demo: $(STAMP) ## sample catalogue -> pipeline -> bundle -> the whole service with its page
	@scripts/demo.sh $(DEMO_ARGS)

stop: $(STAMP) ## stop a demo that was started with make demo DEMO_ARGS=--detach
	@$(BIN)/python -m serving.stack stop

test: $(STAMP) ## the tests that need nothing but this checkout
	@$(BIN)/pytest -q -n $(WORKERS) --dist loadscope

test-live: $(STAMP) ## the tests against real servers: MinIO, MLflow, a browser
	@$(BIN)/pytest -q -m live

lint: $(STAMP) ## ruff and mypy
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy segue components pipelines serving

format: $(STAMP) ## apply ruff's fixes
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

bench: $(STAMP) ## measure what docs/PERFORMANCE.md promises
	@$(BIN)/python -m tests.benchmarks

pipeline: $(STAMP) ## compile pipelines/training.yaml, which is checked in
	@$(BIN)/python -m pipelines compile --out pipelines/training.yaml

lock: $(STAMP) ## resolve requirements.lock again from pyproject.toml
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras \
		--no-emit-index-url --no-annotate --no-header --generate-hashes pyproject.toml -o requirements.lock

clean: ## remove what was built: .venv, .segue, caches
	@rm -rf .venv .segue mutants .grimp_cache .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist local_outputs
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: serve bench-serving
serve: $(STAMP) ## the pair on this machine: make serve BUNDLE=STORE/channels/champion
	@BUNDLE="$(BUNDLE)" scripts/serve.sh

bench-serving: $(STAMP) ## measure the pair against one that does nothing, and two boosters against one
	@$(BIN)/python -m tests.benchmarks.bench_serving
	@$(BIN)/python -m tests.benchmarks.bench_boosters

.PHONY: bench-gateway
bench-gateway: $(STAMP) ## measure what the gateway adds to the pair
	@$(BIN)/python -m tests.benchmarks.bench_gateway

.PHONY: chart manifests
chart: $(STAMP) ## write the chart's schema, table of values and version
	@$(BIN)/python -m scripts.chart

manifests: chart ## render manifests/ from the chart
	@$(BIN)/python -m scripts.manifests

.PHONY: images images-test cluster-test airflow-test
images: ## build the five container images with buildah or docker: make images BASE=...
	@scripts/images.sh

images-test: $(STAMP) ## build the images on a base made here, and ask one for a list; minutes
	@$(BIN)/pytest -q -m images tests/deploy

cluster-test: $(STAMP) ## chart and kustomize against a real API server
	@scripts/apiserver.sh
	@$(BIN)/pytest -q -m cluster tests/deploy

airflow-test: $(STAMP) ## the DAG in a real Airflow, in an environment of its own
	@scripts/airflow.sh
	@SEGUE_AIRFLOW=$(CURDIR)/.segue/airflow/bin/python $(BIN)/pytest -q -m airflow tests/deploy

.PHONY: screenshots
screenshots: $(STAMP) ## pictures of the page for README and docs, after make demo
	@$(BIN)/python -m tests.ui.screenshots

.PHONY: dashboards
dashboards: $(STAMP) ## write dashboards/*.json from scripts/dashboards
	@$(BIN)/python -m scripts.dashboards

.PHONY: pictures
pictures: $(STAMP) ## pictures of the dashboards for docs, from the live test
	@SEGUE_PICTURES=docs/images $(BIN)/pytest -q -m live tests/dashboards/test_watched.py

.PHONY: mutants
mutants: $(STAMP) ## change the core a little at a time, and see whether a test notices; an hour on two idle cores
	@rm -rf mutants
	@env -u CI OMP_NUM_THREADS=1 $(BIN)/mutmut run --max-children $(WORKERS) $(ONLY)
	@$(BIN)/python -m tests.mutants

.PHONY: notebook
notebook: $(STAMP) ## execute docs/notebook.ipynb on the demo's bundle
	@$(BIN)/jupyter execute --inplace docs/notebook.ipynb
