# `make demo` and `make test` are all a fresh machine needs; both make their own environment.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test lint bench fuzz kill clean

demo: $(VENV)/demo.installed  ## Train members on real images, vote, score, write a submission.
	$(BIN)/vqa-ensemble demo

test: $(VENV)/test.installed  ## Run the tests, with coverage.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --cov --cov-report=term:skip-covered

lint: $(VENV)/lint.installed  ## Style, types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/bench.installed  ## Time the vote against other ways to hold it.
	$(BIN)/python -m benchmarks

fuzz: $(VENV)/test.installed  ## Read broken files for five minutes.
	$(BIN)/python -W error tests/fuzz.py --seconds 300

kill: $(VENV)/test.installed  ## Stop runs at a hundred random moments each.
	VQA_ENSEMBLE_KILLS=100 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 tests/test_interruption.py

# One stamp an extra: an environment is brought up to date when what it is made from changes.
$(VENV)/%.installed: setup.cfg pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --quiet --constraint constraints.txt --editable '.[$*]'
	touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) build dist *.egg-info .coverage* .pytest_cache .mypy_cache .ruff_cache
