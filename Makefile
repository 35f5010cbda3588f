# Two commands matter: `make run` and `make test`. `make help` lists the rest.
PYTHON ?= python3
PARAMS ?= params.yaml
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1
export DO_NOT_TRACK := 1
export MLFLOW_DISABLE_TELEMETRY := true
export PREFECT_SERVER_ANALYTICS_ENABLED := false
# Given flags, make runs every line through the shell, which looks for commands on the PATH above.
.SHELLFLAGS := -ec
SETUP := .venv/.installed
# Columns of `dvc exp show` that nobody compares. In a Makefile a dollar is written twice.
TOLD_ELSEWHERE := (.*:)?(in|out|quarantined|device|precision|method|steps|steps_planned|weights_trained|head_strength|doubtful\..*|best_step|dev\.loss|bytes|digest|calibration.*|metrics\..*|.*\.low|.*\.high)$$|(data|models|reports|plots)/[^:]*$$
COMPILE := -q --all-extras --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header

.PHONY: run test up down check fix bench year pictures experiments push clean constraints help
.DELETE_ON_ERROR:

run: $(SETUP)  ## run the pipeline, promote, show the result; PARAMS=examples/ner_zh/params.yaml runs another problem
	satiety check $(PARAMS)
	satiety workspace $(PARAMS)
	cd $(dir $(PARAMS)) && { dvc --wait-for-lock repro || { python -m tasks.publish; exit 1; }; }
	cd $(dir $(PARAMS)) && { python -m tasks.promote || test $$? = 75; }  # 75: MLflow does not answer, and it says so
	cd $(dir $(PARAMS)) && satiety report

test: check  ## everything that must hold: `make check`, then pytest
	pytest -n 3 --dist loadgroup

up: $(SETUP)  ## Prefect, MLflow and a worker, on this machine only; tells addresses and where the passwords are
	satiety up

down: $(SETUP)  ## end what `make up` started
	satiety down

check: $(SETUP)  ## ruff, ruff format, mypy, import-linter
	ruff check .
	ruff format --check .
	mypy
	lint-imports

fix: $(SETUP)  ## repair what ruff can repair
	ruff check --fix .
	ruff format .

bench: $(SETUP)  ## the figures of benchmarks/, a file each
	for file in benchmarks/*.py; do echo "$$file"; python -m benchmarks.$$(basename "$$file" .py) || exit 1; done

year: $(SETUP)  ## twelve simulated months in a copy of the project, with Satiety and without; examples/year/year.html
	python -m examples.year

# Of all commits those with a run: dvc.lock was committed since the tool itself dropped its own, or an experiment began there.
experiments: $(SETUP)  ## your runs: commits with a dvc.lock, `dvc exp run` and flows with overrides, with what differs
	dvc exp show --md --only-changed --no-pager --sort-by reports/evaluate.json:after.value --drop '$(TOLD_ELSEWHERE)' \
	  $$({ git log --format=%H --diff-filter=AM $$(git log -1 --format=%H.. --diff-filter=D -- dvc.lock) -- dvc.lock; \
	       git for-each-ref --format='%(refname:lstrip=2)' refs/exps | awk -F/ 'length($$2) == 38 {print $$1 $$2}'; } \
	     | sort -u | sed 's/^/--rev /')

push: $(SETUP)  ## to DVC's remote, and only if every byte here is whole
	satiety verify
	dvc push --run-cache

pictures: $(SETUP)  ## take the pictures of docs/ anew, with a Chromium, of the services and a real run
	.venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[pictures]'
	python docs/pictures.py

clean:  ## remove .venv and all that was generated, the local registry with it; data/raw stays
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

constraints:  ## pin what pyproject.toml newly asks for; UPGRADE=--upgrade moves the other pins too
	test -x .venv/bin/uv || { $(PYTHON) -m venv .venv && .venv/bin/python -m pip install -q uv; }
	cp constraints.txt constraints.txt.new
	uv pip compile $(COMPILE) $(UPGRADE) pyproject.toml -o constraints.txt.new > /dev/null
	{ echo "# Every version, resolved together. Made from pyproject.toml by \`make constraints\`, that is:"; \
	  echo "# uv pip compile $(COMPILE) pyproject.toml -o constraints.txt"; \
	  cat constraints.txt.new; } > constraints.txt
	rm constraints.txt.new

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*  ## /\1\t/p' Makefile

# The stamp is newer than what it was made from, or the set-up runs again. torch comes first and exact: pip then takes the
# build the index offers for this machine instead of another with several GB of libraries.
# Before DVC is here, its folder is closed to other users; once it is, it learns the folder by an absolute path.
$(SETUP): pyproject.toml constraints.txt
	mkdir -p .satiety
	chmod 700 .satiety
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt torch==2.13.0
	.venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[train,pipeline,serve,postgres,zh,evidently,demo,dev]'
	satiety workspace .
	touch $(SETUP)
