# Two commands matter: `make run` and `make test`. `make help` lists the rest.
PYTHON ?= python3
PARAMS ?= params.yaml
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1
export DO_NOT_TRACK := 1
export MLFLOW_DISABLE_TELEMETRY := true
export PREFECT_SERVER_ANALYTICS_ENABLED := false
# With flags set, make runs every line through the shell, which uses the PATH above.
.SHELLFLAGS := -ec
SETUP := .venv/.installed
# Columns of `dvc exp show` that are not worth comparing. A Makefile escapes a dollar by doubling it.
HIDDEN_COLUMNS := (.*:)?(in|out|quarantined|device|precision|method|steps|steps_planned|weights_trained|head_l2|label_issues\..*|best_.*|bytes|digest|calibration.*|metrics\..*|params\..*|.*\.(value|low|high))$$|(data|models|reports|plots)/[^:]*$$
COMPILE := -q --all-extras --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header

.PHONY: run test up down check fix bench year pictures experiments push clean constraints help
.DELETE_ON_ERROR:

run: $(SETUP)  ## run the pipeline, decide about promotion, print a report; PARAMS=examples/ner_zh/params.yaml selects another problem
	satiety check $(PARAMS)
	satiety workspace $(PARAMS)
	cd $(dir $(PARAMS)); python -m tasks.pdeathsig $$$$ python -m tasks.publish --follow & \
	  trap 'kill $$! 2>/dev/null && wait $$! || :' EXIT; dvc --wait-for-lock repro  # and publish to MLflow meanwhile
	cd $(dir $(PARAMS)) && { python -m tasks.promote || test $$? = 75; }  # 75: MLflow is down, as the error says
	cd $(dir $(PARAMS)) && satiety report

test: check  ## run `make check` and all tests
	pytest -n 3 --dist loadgroup

up: $(SETUP)  ## start Prefect, MLflow and a worker on this machine; prints the URLs and where the passwords are stored
	satiety up

down: $(SETUP)  ## stop the services of `make up`
	satiety down

check: $(SETUP)  ## run ruff, mypy and import-linter
	ruff check .
	ruff format --check .
	mypy
	lint-imports

fix: $(SETUP)  ## apply automatic fixes of ruff
	ruff check --fix .
	ruff format .

bench: $(SETUP)  ## run all benchmarks
	for file in benchmarks/*.py; do echo "$$file"; python -m benchmarks.$$(basename "$$file" .py) || exit 1; done

year: $(SETUP)  ## simulate twelve months with and without Satiety in a copy of the project; writes examples/year/year.html
	python -m examples.year

# Of all commits those with a run: dvc.lock was committed since the tool itself dropped its own, or an experiment began there.
experiments: $(SETUP)  ## compare your runs: commits with a dvc.lock, experiments of `dvc exp run` and of flows with overrides
	dvc exp show --md --only-changed --no-pager --sort-by reports/scores.json:after --drop '$(HIDDEN_COLUMNS)' \
	  $$({ git log --format=%H --diff-filter=AM $$(git log -1 --format=%H.. --diff-filter=D -- dvc.lock) -- dvc.lock; \
	       git for-each-ref --format='%(refname:lstrip=2)' refs/exps | awk -F/ 'length($$2) == 38 {print $$1 $$2}'; } \
	     | sort -u | sed 's/^/--rev /')

push: $(SETUP)  ## verify all files, then push them to DVC's remote
	satiety verify
	dvc push --run-cache

pictures: $(SETUP)  ## retake the screenshots of docs/ with Chromium
	.venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[pictures]'
	python docs/pictures.py

clean:  ## remove .venv and all generated files, including the local registry; keeps data/raw
	find . \( -name .venv -o -name .satiety \) -prune -o -name dvc.yaml -print | while read -r file; do \
	  folder=$$(dirname "$$file"); \
	  rm -rf "$$folder/models" "$$folder/reports/data_docs" "$$folder"/reports/worth*.html "$$folder/reports/promote.json" "$$folder"/reports/monitor*; \
	  if [ -d "$$folder/data" ]; then find "$$folder/data" -mindepth 1 -maxdepth 1 ! -name raw -exec rm -rf {} +; fi; \
	  git clean -fdq -- "$$folder/reports" "$$folder/plots" "$$folder/dvc.lock"; \
	  git clean -ffdxq -- "$$folder/.satiety"; \
	done
	rm -rf .venv .dvc/cache .dvc/tmp mlflow.db* mlartifacts build dist *.egg-info
	rm -rf .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

constraints:  ## pin new dependencies of pyproject.toml; UPGRADE=--upgrade updates all pins
	test -x .venv/bin/uv || { $(PYTHON) -m venv .venv && .venv/bin/python -m pip install -q uv; }
	cp constraints.txt constraints.txt.new
	uv pip compile $(COMPILE) $(UPGRADE) pyproject.toml -o constraints.txt.new > /dev/null
	{ echo "# Every version, resolved together. Made from pyproject.toml by \`make constraints\`, that is:"; \
	  echo "# uv pip compile $(COMPILE) pyproject.toml -o constraints.txt"; \
	  cat constraints.txt.new; } > constraints.txt
	rm constraints.txt.new

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*  ## /\1\t/p' Makefile

# Runs again if the stamp is older than its sources. torch is installed first with an exact version: otherwise pip may
# choose another build with several GB of libraries. .satiety is made private before DVC is installed; `satiety workspace`
# then sets its absolute path in DVC.
$(SETUP): pyproject.toml constraints.txt
	mkdir -p .satiety
	chmod 700 .satiety
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt torch==2.13.0
	.venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[train,pipeline,serve,postgres,zh,evidently,demo,dev]'
	satiety workspace .
	touch $(SETUP)
