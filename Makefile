# What a contributor runs. CONTRIBUTING.md says when. Every target works in .venv, which "make install" creates.
BIN = .venv/bin

.PHONY: check install style test long integration bench pages picture constraints

check: style test ## All that must hold before a commit

install: ## A development environment, with the versions that passed
	python3 -m venv .venv
	$(BIN)/pip install -q -e '.[dev]' -c tests/constraints.txt

style: ## Style, types and imports, as CI and the pre-commit hook check them
	.ci/check

test: ## The suite
	$(BIN)/python -m pytest -n 2

long: ## Tests that take minutes; some need Java 17
	$(BIN)/pip install -q -e '.[dev,long]' -c tests/constraints.txt
	$(BIN)/python -m pytest -m long

integration: ## Tests with the tools that it works beside, such as DVC and dbt-duckdb
	$(BIN)/pip install -q -e '.[dev,integrations]'
	$(BIN)/python -m pytest -m integration

bench: ## moslabels beside polars, pandas and DuckDB
	$(BIN)/pip install -q -e '.[bench]'
	$(BIN)/python tests/benchmarks/run.py
	$(BIN)/python tests/benchmarks/calls.py

pages: ## The pages of the guide that are made from the code
	PYTHONPATH=tests $(BIN)/python tests/helpers/generated_pages.py

picture: ## The picture of the report in README and guide; needs Chromium
	rm -rf build/picture && mkdir -p build/picture
	$(BIN)/moslabels batch examples/guide/refused.json --quiet --report-json build/picture/report.json \
	    --report-html build/picture/report.html || [ $$? = 1 ]
	chromium --headless --no-sandbox --hide-scrollbars --disable-lcd-text --force-device-scale-factor=0.8 \
	    --window-size=1200,970 \
	    --screenshot=examples/guide/report.png build/picture/report.html

constraints: ## tests/constraints.txt anew: the newest versions that pass on each Python of this machine
	.ci/constraints
