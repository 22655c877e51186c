# Every target works in a fresh clone; Python 3.11 or newer and make are all it needs.
# PYTHON=/path/to/python picks the interpreter that .venv is made with.

PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python,\
	$(if $(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && echo yes),$(name))))
VENV := .venv
VENV_MINIMUM := .venv-minimum
VENV_RIVALS := .venv-rivals
BIN := $(VENV)/bin
PIP_INSTALL = -m pip install --quiet --disable-pip-version-check
PACKAGING := pyproject.toml constraints.txt

.PHONY: help demo test test-minimum lint doc bench wheel clean

help:
	@echo "make demo          fit the estimators on real data; table and figures"
	@echo "make test          run all tests (PYTEST_ARGS=... adds arguments)"
	@echo "make test-minimum  run them on the oldest supported versions"
	@echo "make lint          ruff, codespell, numpydoc validation"
	@echo "make doc           build the documentation and run its examples"
	@echo "make bench         short benchmarks into benchmarks/results"
	@echo "make wheel         build a wheel and try it in an empty environment"
	@echo "make clean         remove everything that the other targets made"

$(VENV)/made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none was found."; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# One stamp for each extra: installed once, and again when the packaging changes.
$(VENV)/extra-%: $(VENV)/made $(PACKAGING)
	@echo "Installing sklearn_theory[$*] into $(VENV); the first time takes minutes"
	@$(BIN)/python $(PIP_INSTALL) --constraint constraints.txt --editable ".[$*]"
	@touch $@

demo: $(VENV)/extra-demo
	@$(BIN)/python doc/demo

# Tests take one thread: what networks learn must not depend on the machine's cores.
test: $(VENV)/extra-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/extra-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/python -m pytest --quiet tests/test_docstrings.py

doc: $(VENV)/extra-doc
	$(BIN)/python -m sphinx -q -W --keep-going -b html doc doc/_build/html
	$(BIN)/python -m sphinx -q -W -b doctest doc doc/_build/doctest
	@echo "Open doc/_build/html/index.html"

bench: $(VENV)/extra-bench $(VENV_RIVALS)/made
	$(BIN)/python benchmarks/run.py --quick --skip offline_rl
	$(VENV_RIVALS)/bin/python benchmarks/run.py --quick --only offline_rl

# d3rlpy wants one old version of gymnasium, which nothing else here should have.
$(VENV_RIVALS)/made: $(PACKAGING)
	@echo "Making $(VENV_RIVALS) with d3rlpy; the first time takes minutes"
	@$(PYTHON) -m venv $(VENV_RIVALS)
	@grep -iv '^gymnasium==' constraints.txt > $(VENV_RIVALS)/constraints.txt
	@$(VENV_RIVALS)/bin/python $(PIP_INSTALL) \
		--constraint $(VENV_RIVALS)/constraints.txt --editable ".[torch]" d3rlpy
	@touch $@

$(VENV_MINIMUM)/made: $(PACKAGING)
	@echo "Making $(VENV_MINIMUM) with the oldest supported versions"
	@$(PYTHON) -m venv $(VENV_MINIMUM)
	@$(PYTHON) .ci/minimum_requirements.py > $(VENV_MINIMUM)/constraints.txt
	@grep -i '^torch==' constraints.txt >> $(VENV_MINIMUM)/constraints.txt
	@$(VENV_MINIMUM)/bin/python $(PIP_INSTALL) \
		--constraint $(VENV_MINIMUM)/constraints.txt --editable ".[test]"
	@touch $@

test-minimum: $(VENV_MINIMUM)/made
	OMP_NUM_THREADS=1 $(VENV_MINIMUM)/bin/python -m pytest $(PYTEST_ARGS)

wheel: $(VENV)/made
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	$(BIN)/python .ci/try_wheel.py

clean:
	rm -rf $(VENV) $(VENV_MINIMUM) $(VENV_RIVALS) build dist demo *.egg-info \
		.pytest_cache .ruff_cache .hypothesis doc/_build doc/gallery doc/api/generated doc/sg_execution_times.rst
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
