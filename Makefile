# The two commands of the README: `make demo` and `make test`. Each installs what it needs.
#   TORCH_INDEX=https://download.pytorch.org/whl/cpu   saves 3 GB on machines without a GPU
PYTHON ?= python3
TORCH_INDEX ?=
SITE ?= site.yaml
VENV := .venv
SERVICES := chromium mosquitto prometheus redis-server dnsmasq-base iproute2 util-linux systemd
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install check test services test-services docs demo up bench clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: apt install python3"; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "venv is missing: apt install python3-venv"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt \
		$(if $(TORCH_INDEX),--no-deps --index-url $(TORCH_INDEX)) torch
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt \
		$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -e '.[dev]'
	@touch $@

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Side by side, a file at a time: half of the time is spent waiting for servers and processes.
test: install
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n auto --maxprocesses 8 --dist loadfile --ignore=tests/services

# What `test-services` talks to: real servers and tools, from Debian and (one linter) from npm. As root.
services:
	apt-get update -qq
	apt-get install -qq -y --no-install-recommends $(SERVICES)
	if command -v npm >/dev/null; then npm install --silent --no-save --prefix .services dclint@3.1.0; fi

test-services: install
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n auto --maxprocesses 8 --dist loadfile \
		tests/services tests/test_compose_file.py

docs: install
	$(BIN)/nexara reference > docs/configuration.md

demo: install
	$(BIN)/nexara demo

up: install
	$(BIN)/nexara up $(SITE)

bench: install
	$(BIN)/python -m benchmarks all

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
