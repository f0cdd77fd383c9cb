# Every target does its own set-up: `.venv`, the pinned and hashed requirements, then Purser itself (editable, from this folder).
# It is done with uv where that is installed, else with venv and pip, and again only after the requirements changed.
# Wants nothing but make and Python 3.11 or newer; PYTHON=/path/to/python chooses one.

VENV := .venv
BIN := $(VENV)/bin
RUN_READY := $(VENV)/ready-to-run
DEV_READY := $(VENV)/ready-to-develop
BENCH_READY := $(VENV)/ready-to-measure
SHIPPED := bot handlers providers migrations
CHECKED := $(SHIPPED) tests

.PHONY: demo run install test soak bench lint lint-format lint-code lint-types lint-imports requirements clean

demo: $(RUN_READY)
	@$(BIN)/purser demo

run: $(RUN_READY)
	@$(BIN)/purser run

install: $(RUN_READY)
	@echo "$(BIN)/purser is ready."

# Three more than there are processors: tests that start the bot wait a lot. Each worker takes file after file, in the order
# of tests/conftest.py: what a file's tests share is made once.
WORKERS = $(shell expr $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 3)
PARALLEL = -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# Without bytecode, each worker would compile the same tests in every run, and each started bot itself.
test: $(DEV_READY)
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --ignore=tests/bench $(PARALLEL)

# What chance finds, for longer: 200 kills in all, a database that is away for 20 seconds (PURSER_SEED=… repeats a schedule), and
# five hundred examples of everything that Hypothesis makes up.
soak: $(DEV_READY)
	@PURSER_KILLS=100 PURSER_AWAY=20 $(BIN)/python -m pytest -v tests/crash
	@PURSER_EXAMPLES=500 $(BIN)/python -m pytest --ignore=tests/bench -m hypothesis $(PARALLEL)

# One alone: make bench BENCH=stream
bench: $(BENCH_READY)
	@$(BIN)/python -m tests.bench $(BENCH)

# With `make -k lint`, a check that fails does not hide the next one.
lint: lint-format lint-code lint-types lint-imports

lint-format: $(DEV_READY)
	@$(BIN)/ruff format --quiet --check --diff $(CHECKED)

lint-code: $(DEV_READY)
	@$(BIN)/ruff check --quiet $(CHECKED)

lint-types: $(DEV_READY)
	@$(BIN)/mypy --no-error-summary

lint-imports: $(DEV_READY)
	@$(BIN)/lint-imports --no-logo

# For maintainers, with uv: pins what pyproject.toml asks for, for every Python and platform at once. Versions that still fit stay;
# `make requirements UPGRADE=--upgrade` takes the newest.
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make requirements" --quiet $(UPGRADE)
COMPILE := $(LOCK) pyproject.toml --group build --extra postgres

requirements:
	@command -v uv >/dev/null || { echo "make requirements needs uv."; exit 1; }
	@$(COMPILE) --output-file requirements.txt
	@$(COMPILE) --extra dev --constraints requirements.txt --output-file requirements-dev.txt
	@$(LOCK) --group bench --output-file requirements-bench.txt

clean:
	@rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# `python` is named last: where it is Python 2 or absent, the others have been tried. A shim that fails counts as absent.
define FIND_PYTHON
found=; for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
	if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found="$$python"; break; fi; \
done
endef

define NO_PYTHON
{ echo "Purser needs Python 3.11 or newer, and none of python3, python3.14 ... python3.11 is one." >&2; \
  echo "Install it, or name it: make PYTHON=/path/to/python $(or $(MAKECMDGOALS),demo)" >&2; exit 1; }
endef

define NO_VENV
{ echo "This Python cannot make virtual environments: install its venv module (Debian, Ubuntu: apt install python3-venv) or uv." >&2; \
  exit 1; }
endef

define MAKE_VENV
$(FIND_PYTHON); [ -n "$$found" ] || $(NO_PYTHON); \
echo "Setting up $(VENV) (once)." >&2; \
if command -v uv >/dev/null; then uv venv --quiet --clear --python "$$(command -v "$$found")" $(VENV); \
else "$$found" -c 'import ensurepip, venv' 2>/dev/null || $(NO_VENV); "$$found" -m venv --clear $(VENV); fi
endef

# A virtual environment that uv made has no pip; it is added when uv has gone.
define INSTALL
if command -v uv >/dev/null; then \
	uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r $(1) && \
	uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .; \
else \
	{ $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null; } && \
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r $(1) && \
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .; \
fi && $(BIN)/python -m compileall -q $(SHIPPED)
endef

# A virtual environment whose Python has gone is none.
$(shell [ -x $(BIN)/python ] || rm -f $(RUN_READY) $(DEV_READY) $(BENCH_READY))

$(RUN_READY): requirements.txt pyproject.toml
	@[ -x $(BIN)/python ] || { $(MAKE_VENV); }
	@$(call INSTALL,requirements.txt)
	@touch $@

# Tests are compiled once: pytest's workers, which begin together, would each do it. One that cannot be is told by whoever runs it.
$(DEV_READY): requirements-dev.txt pyproject.toml
	@[ -x $(BIN)/python ] || { $(MAKE_VENV); }
	@$(call INSTALL,requirements-dev.txt)
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --ignore=tests/bench --collect-only -qq >/dev/null 2>&1 || :
	@touch $(RUN_READY) $@

# The published client that a reading is measured beside stands in a folder of its own, which no other command imports from.
YARDSTICK := $(VENV)/yardstick

$(BENCH_READY): requirements-bench.txt | $(DEV_READY)
	@rm -rf $(YARDSTICK)
	@if command -v uv >/dev/null; then \
		uv pip install --quiet --python $(BIN)/python --target $(YARDSTICK) --require-hashes -r $<; \
	else \
		$(BIN)/python -m pip install -qq --disable-pip-version-check --target $(YARDSTICK) --require-hashes -r $<; \
	fi
	@touch $@
