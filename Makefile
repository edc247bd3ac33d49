# Everything is done by a target here; `make` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PATHS := app sandbox tests benchmarks migrations
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --no-strip-extras --allow-unsafe \
	--no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

$(VENV)/.installed: requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

.PHONY: install
install: $(VENV)/.installed ## Make the virtual environment with the locked packages

.PHONY: demo
demo: install ## Run a Confluence site and the app, installed and at work; Ctrl-C ends all
	@$(BIN)/python -m sandbox.demo

.PHONY: demo-once
demo-once: install ## The same without a person: edit two pages, print labels and summaries
	@$(BIN)/python -m sandbox.demo --once

.PHONY: serve
serve: install ## Run the app with the settings of .env
	$(BIN)/python -m app serve

.PHONY: test
test: install ## Run all tests (both databases; PostgreSQL is brought along)
	$(BIN)/python -m pytest -n 3 --dist loadscope

.PHONY: coverage
coverage: install ## The same, measured; fails unless each branch of the rules and use cases is run
	$(BIN)/python -m pytest -n 3 --dist loadscope --cov --cov-report=
	$(BIN)/coverage report --include='app/domain/*,app/usecases/*' --fail-under=100

.PHONY: format
format: install ## Format the code
	$(BIN)/ruff check --fix --quiet $(PATHS) || true
	$(BIN)/ruff format $(PATHS)

.PHONY: lint
lint: install ## Format check, lint, types, the floors of the house
	$(BIN)/ruff format --check $(PATHS)
	$(BIN)/ruff check $(PATHS)
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: descriptors
descriptors: ## Validate what Atlassian installs (needs Node; says so where it is missing)
	@if command -v npm >/dev/null; then \
		cd descriptor && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && node validate.mjs; \
	else echo "skipped: descriptors (no npm on this machine)"; fi

.PHONY: check
check: lint descriptors test ## Everything that CI checks

.PHONY: mutants
mutants: install ## Break the rules that people trust one by one; name what no test notices
	$(BIN)/mutmut run
	$(BIN)/mutmut results

.PHONY: bench
bench: install ## Measure event acceptance, event-to-label time and points a page
	$(BIN)/python -m benchmarks.ingest
	$(BIN)/python -m benchmarks.latency

.PHONY: bench-quota
bench-quota: install ## Measure rate control beside its rivals (72 minutes)
	$(BIN)/python -m benchmarks.quota

.PHONY: control-run
control-run: install ## 46 pages through Gemini's quota, beside the predecessor
	@$(BIN)/python -m benchmarks.quota.control

.PHONY: quality
quality: install ## Measure the local provider: make quality DATA=pages.jsonl HELD_OUT=weights.json
	$(BIN)/python -m benchmarks.quality --data $(DATA) $(if $(HELD_OUT),--held-out $(HELD_OUT))

.PHONY: migration
migration: install ## Write a migration from the tables: make migration NAME="add something"
	$(BIN)/alembic revision --autogenerate -m "$(NAME)"

.PHONY: lock
lock: install ## Lock the packages anew, with hashes
	$(COMPILE) --output-file requirements.txt pyproject.toml
	$(COMPILE) --extra sandbox --extra dev --output-file requirements-dev.txt pyproject.toml

.PHONY: clean
clean: ## Remove what the targets made
	rm -rf $(VENV) var mutants descriptor/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .import_linter_cache
