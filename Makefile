# `make demo` and `make test` are all a fresh machine needs; both make their own environment.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test quick lint docs bench fuzz fuzz-coverage kill mutants clean

demo: $(VENV)/demo.installed  ## Train members on real images, vote, score, write a submission.
	$(BIN)/vqa-ensemble demo

test: $(VENV)/test.installed  ## Run the tests, with coverage.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --cov --cov-report=term:skip-covered

quick: $(VENV)/test.installed  ## The tests that take no long time, with few examples.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m 'not slow' --hypothesis-profile=quick

lint: $(VENV)/lint.installed  ## Style, types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/docs.installed  ## Build the documentation as a site in site/.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(VENV)/bench.installed  ## Time the vote against other ways to hold it.
	$(BIN)/python -m benchmarks

fuzz: $(VENV)/test.installed  ## Read broken files for five minutes.
	$(BIN)/python -W error tests/fuzz.py --seconds 300

fuzz-coverage: $(VENV)/test.installed  ## The same, guided by which code the files reach.
	$(PIP) install --quiet atheris==3.0.0
	$(BIN)/python tests/fuzz_coverage.py --seconds 300

kill: $(VENV)/test.installed  ## Stop runs at a hundred random moments each.
	VQA_ENSEMBLE_KILLS=100 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 \
		tests/test_interruption.py tests/test_killed_runs.py

mutants: $(VENV)/test.installed  ## Change the core's code in 1,900 ways; tests should fail.
	$(PIP) install --quiet mutmut==3.8.1
	rm -rf build/mutants && mkdir -p build/mutants
	git ls-files -z | tar --null -T - -cf - | tar -xf - -C build/mutants
	[ ! -d ../shared/data ] || ln -s $(abspath ../shared) build/mutants/shared
	cd build/mutants && OMP_NUM_THREADS=1 $(abspath $(BIN))/python -m mutmut run --max-children 1

# One stamp an extra: an environment is brought up to date when what it is made from changes.
$(VENV)/%.installed: setup.cfg pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --quiet --constraint constraints.txt --editable '.[$*]'
	touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) build dist site *.egg-info .coverage* .pytest_cache .mypy_cache .ruff_cache
