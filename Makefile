# Every verb of the project. `make demo` and `make test` need python3 (3.11 or newer, with venv), make and git; they set up the rest.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
STAMP  := $(VENV)/.installed
PACKAGES := das_pipeline assets checks orchestration cli simulation
SOURCES := $(PACKAGES) tests benchmarks
export DAGSTER_DISABLE_TELEMETRY := yes
export GX_ANALYTICS_ENABLED := false
export UV_LINK_MODE := copy
# A machine that forbids bytecode would compile the project and its tests at every start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test check quick lint types ui site lock bench-deliveries bench-linkage bench-scale bench-site faults spark clean

help:            ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20

setup: $(STAMP)  ## make the virtual environment from requirements.lock

$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -oE '^uv==[^ ]+' requirements.lock)"
	@# Compiled once here: where Python may not write bytecode, every start would compile thousands of modules again.
	@$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup      ## simulate deliveries, run the whole chain, publish two releases and the site (SEED=2 SIZE=tiny DETAILS=1)
	@$(BIN)/python -m cli.main demo $(if $(SEED),--seed $(SEED)) $(if $(SIZE),--size $(SIZE)) $(if $(DETAILS),--details)

test: setup      ## run all tests
	@$(BIN)/python -m tests.browser
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

check: setup     ## lint, types and the quick tests, at the same time: the inner loop
	@$(MAKE) --no-print-directory -j 3 lint types quick

quick: setup     ## the quick tests
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "not slow"

lint: setup      ## ruff and the import contracts
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/lint-imports >/dev/null || $(BIN)/lint-imports

types: setup     ## pyright
	@$(BIN)/basedpyright --warnings $(PACKAGES)

ui: setup        ## open Dagster on the demo's home, with the schedule running (PORT=3000)
	@$(BIN)/python -m cli.main ui $(if $(PORT),--port $(PORT))

site: setup      ## serve the site of the current release (PORT=8000)
	@$(BIN)/python -m cli.main serve $(if $(PORT),--port $(PORT))

bench-deliveries: setup ## compare the cost of intake with an earlier build and a plain script (ROWS=1000000)
	@$(BIN)/python -m benchmarks.bench_deliveries $(ROWS)

bench-linkage: setup ## compare linkage with Splink and with keys alone on persons of two generators (ROWS=60000 SEEDS=201,202,203 OTHER_SEEDS=301,302,303)
	@$(BIN)/python -m benchmarks.bench_linkage $(or $(ROWS),60000) $(or $(SEEDS),201,202,203)
	@$(BIN)/python -m benchmarks.bench_linkage $(or $(ROWS),60000) $(or $(OTHER_SEEDS),301,302,303) other

bench-site: setup ## measure the site of the current release in a browser, beside a page of Observable Framework (RELEASE=folder)
	@$(BIN)/python -m benchmarks.bench_site $(RELEASE)

bench-scale: setup ## compare the cost of a history and of the day after it with an earlier build and a plain script (SIZE=1000000)
	@$(BIN)/python -m benchmarks.bench_scale $(SIZE)

lock:            ## resolve the dependencies again
	@test -x $(UV) || $(MAKE) setup
	@$(UV) pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 --group dev pyproject.toml -o requirements.lock
	@$(UV) pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 --group pyproject.toml:spark -c requirements.lock -o requirements-spark.lock

faults: setup    ## plant every kind of fault and write docs/faults.md: which the rules notice (SIZE=60000)
	@$(BIN)/python -m benchmarks.bench_faults $(SIZE)

spark: setup     ## install Spark, which needs Java 17 or newer, and compare it with DuckDB (DAS_SPARK_DEMO=1: on the demo too)
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements-spark.lock
	@$(BIN)/python -m pytest -q -m spark tests/spark

clean:           ## remove the demo's home
	rm -rf data
