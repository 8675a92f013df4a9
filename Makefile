# The only entry point: every target sets up what it needs. `make help` lists them.

PYTHON ?= python3
UV ?= uv

# One environment a Python version, so that PYTHON=python3.13 keeps the other's intact.
VERSION := $(shell "$(PYTHON)" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
VENV := .venv-$(VERSION)
RUN := $(VENV)/bin/python -m
READY := $(VENV)/ready
BENCH_READY := $(VENV)/bench-ready
SUPPORTED := 3.11 3.12 3.13
require_supported = $(if $(filter $(VERSION),$(SUPPORTED)),,$(error jaxseq needs \
  Python $(SUPPORTED), but PYTHON=$(PYTHON) is $(or $(VERSION),not a working Python)))

# What another project's Python left in the shell would count as installed here.
unexport PYTHONPATH PYTHONHOME
# The lock pins pyright: it need not ask whether there is a newer one.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.PHONY: help install format lint types test test-all coverage fuzz lecture gradcheck demo \
  classics bench lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-11s %s\n", $$1, $$2}' Makefile

install: $(READY) ## make the environment that requirements.lock describes

# Only a finished set-up leaves the stamp; without it the next one starts afresh.
$(READY): requirements.lock pyproject.toml
	$(require_supported)
	@echo "Setting up $(VENV) from requirements.lock (one to three minutes)"
	@test -f $@ || "$(PYTHON)" -m venv --clear $(VENV)
	@rm -f $@
	@$(RUN) pip install --quiet --disable-pip-version-check \
	  --require-hashes --requirement requirements.lock
	@$(RUN) pip install --quiet --disable-pip-version-check \
	  --no-deps --no-build-isolation --editable .
	@touch $@

format: $(READY) ## rewrite the code in the project's style
	$(RUN) ruff check --fix-only .
	$(RUN) ruff format .

lint: $(READY) ## ruff's rules and format, without changes
	$(RUN) ruff check .
	$(RUN) ruff format --check .

types: $(READY) ## pyright over jaxseq and experiments
	$(RUN) pyright --pythonpath $(VENV)/bin/python

# Most of the tests' time goes into compiling: here XLA compiles in haste; `make test-all`
# runs the quick ones once more as users compile. Python 3.11's jaxlib has an older,
# quicker way to emit fusions; to newer ones that flag is an error.
HASTE := --xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true \
  --xla_cpu_parallel_codegen_split_count=1 \
  $(if $(filter 3.11,$(VERSION)),--xla_cpu_use_fusion_emitters=false)

test coverage: export XLA_FLAGS := $(XLA_FLAGS) $(HASTE)

# Each worker starts with half of the tests, in order: those of a file share programs.
PYTEST := $(RUN) pytest -n 2 --dist worksteal

test: $(READY) ## the tests that are not marked slow
	$(PYTEST) -m "not slow"

coverage: $(READY) ## every test, and the lines that none of them reached
	$(PYTEST) --cov --cov-report=term-missing:skip-covered

fuzz: $(READY) ## rubbish for everything that reads files; ARGS="vectors --seconds 600"
	$(RUN) tests.fuzz $(ARGS)

test-all: coverage fuzz ## every test, the quick ones again without haste, and rubbish
	$(PYTEST) -m "not slow"

lecture: $(READY) ## the lecture's worked example, with its golden numbers
	$(RUN) experiments.lecture

gradcheck: $(READY) ## the hand-written deltas of every cell against jax.grad
	$(RUN) experiments.gradient_check

demo: $(READY) ## lecture, gradients, language model, word vectors, summaries, into out/
	$(RUN) experiments.demo --out out

classics: $(READY) ## what the classic papers showed, shown again; ARGS=--full
	$(RUN) experiments.classics --out out $(ARGS)

bench: $(BENCH_READY) ## jaxseq beside its peers, forward and backward; ARGS="--grid full"
	$(RUN) experiments.bench rnn --out out $(ARGS)

# On a machine with a GPU: make bench TORCH=torch==2.13.0
TORCH ?= torch==2.13.0+cpu

# Whoever cannot be installed is named as missing by the benchmark.
$(BENCH_READY): $(READY) requirements-bench.lock
	@echo "Adding the benchmark's peers to $(VENV) from requirements-bench.lock"
	@$(RUN) pip install --quiet --disable-pip-version-check \
	  --require-hashes --requirement requirements-bench.lock
	@$(VENV)/bin/python -c "import torch" 2>/dev/null \
	  || $(RUN) pip install --quiet --disable-pip-version-check "$(TORCH)" \
	  || echo "pip finds no $(TORCH) here: the benchmark goes without PyTorch"
	@touch $@

# Extras stay in the lock: pip 23.2 takes a bare `coverage==` for no pin of `coverage[toml]`
# and refuses the newer release that it finds, as that has no hash here.
COMPILE := pip compile pyproject.toml --universal --python-version 3.11 \
  --generate-hashes --no-strip-extras --no-annotate --no-emit-index-url --upgrade \
  --quiet --custom-compile-command "make lock"

lock: ## resolve both requirements files again (for maintainers; needs uv)
	$(UV) $(COMPILE) --group dev --extra plots --extra chinese --extra onnx \
	  --output-file requirements.lock
	$(UV) $(COMPILE) --extra bench --constraint requirements.lock \
	  --output-file requirements-bench.lock

clean: ## remove environments, caches and results
	rm -rf .venv-* out dist .pytest_cache .ruff_cache .hypothesis .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
