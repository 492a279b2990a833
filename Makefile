# Targets for people: demo, test, check. `make help` lists all.
.DEFAULT_GOAL := help
SHELL := /bin/bash

# Debian's own, whatever else is in the path.
PYTHON ?= /usr/bin/python3
VENV := .venv
VENV_37 := .venv-kubernetes-37
VENV_PACKAGES := .venv-packages
LOCK := packaging/lock

# Where packages are written, and where `make install` puts things.
DIST := dist
DESTDIR :=
PREFIX := /usr

BUNDLE := build/bundle
BUILD = $(VENV_PACKAGES)/bin/python packaging/build

# What talks to the API server through the kubernetes package, and is tested with two of its
# releases: the locked one, and the one that comes after it.
CLIENT_TESTS := tests/discovery tests/edge/test_apiserver.py tests/edge/test_kubeconfig.py tests/edge/test_asker.py

# Tests that compare when packets leave, with something going on and without: nothing runs beside them.
QUIET := $(addprefix tests/daemon/test_,load.py status_load.py) \
	$(addprefix tests/bench/test_,profile.py slowdown.py)

# Tests that look at when packets leave: they have the processors first.
PACED := tests/daemon tests/test_rollout.py tests/test_demo.py tests/cli/test_need.py

# What production does to the daemon. What needs a booted systemd is in tests/system.
FAULTS := tests/faults tests/soak

# Tests in boxes that look at how long something takes.
TIMED := $(addprefix tests/system/test_,footprint.py reboot.py service.py watchdog.py)

# Those that take longest begin first.
LONG := $(addprefix tests/system/test_,lifecycle.py rpm.py layouts.py check.py)

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

.PHONY: demo
demo: setup ## Show pokepodsd at work on three nodes made of network namespaces (root)
	$(VENV)/bin/python -m tests.demo

.PHONY: lab
lab: setup ## Compare who opens the tunnels while deployments roll out (root; LAB="--nodes 20")
	$(VENV)/bin/python -m tests.laboratory $(LAB)

.PHONY: bench
bench: setup ## Measure pokepodsd beside its peers: a table, JSON and plots in build/bench (root)
	$(VENV)/bin/python -m tests.bench $(BENCH)

.PHONY: soak
soak: setup ## Let 20 nodes run with churn and a fault every 20 s, and look for leaks (root; SOAK="--minutes 60")
	$(VENV)/bin/python -m tests.soak $(SOAK)

.PHONY: fuzz
fuzz: setup ## Give each parser what a coverage-guided fuzzer finds, 10 minutes each (FUZZ="--seconds 60")
	$(VENV)/bin/python -m tests.fuzz $(FUZZ)

.PHONY: mutants
mutants: setup ## Change the core one thing at a time, and look whether the tests notice (MUTANTS="--minutes 10")
	$(VENV)/bin/python -m tests.mutants $(MUTANTS)

# Without the boxes, whose daemons are other installations. What fails because others run beside it is
# the gate's matter, and has been run.
.PHONY: coverage
coverage: setup ## Measure branch coverage: of the core by its own tests, of all by all (root)
	$(VENV)/bin/python -m coverage erase
	$(VENV)/bin/python -m coverage run -m pytest -n 2 tests/core
	$(VENV)/bin/python -m coverage combine
	$(VENV)/bin/python -m coverage report --include "pokepodsd/core/*" --fail-under 100
	-$(VENV)/bin/python -m coverage run -m pytest -n 2 --dist loadfile -m "not long" tests \
		--ignore tests/core --ignore tests/system --ignore tests/packages --ignore tests/bench \
		--ignore tests/fuzz
	$(VENV)/bin/python -m coverage combine --append
	$(VENV)/bin/python -m coverage report --fail-under 92

.PHONY: removals
removals: setup ## Show that tests see it where the handling of a fault is taken out (root)
	$(VENV)/bin/python -m tests.faults.removals

.PHONY: audit
audit: setup ## Ask PyPI for known vulnerabilities of what the packages bundle
	$(VENV)/bin/pip-audit --strict --disable-pip --require-hashes -r $(LOCK)/runtime.txt

.PHONY: test
test: setup $(VENV_PACKAGES)/installed $(VENV_37)/installed ## Set up and run every test (root)
	$(MAKE) --no-print-directory test-quiet test-bench
	packaging/together test-paced test-faults-short test-lab test-sdist test-clients
	$(MAKE) --no-print-directory test-system

.PHONY: test-quiet
test-quiet: setup ## Run the tests that compare when packets leave (root)
	$(VENV)/bin/python -m pytest $(QUIET)

.PHONY: test-bench
test-bench: setup ## Run the short form of the benchmarks, judged with wide margins (root)
	$(VENV)/bin/python -m tests.bench --short --judge

.PHONY: test-paced
test-paced: setup ## Run the tests that look at when packets leave (root)
	$(VENV)/bin/python -m pytest $(PACED) $(addprefix --ignore ,$(QUIET))

# Most of the time these wait for a clock of the daemon's.
.PHONY: test-faults
test-faults: setup ## Do to the daemon what production does, all of it (root)
	$(VENV)/bin/python -m pytest -n 4 --dist loadfile $(FAULTS)

.PHONY: test-faults-short
test-faults-short: setup ## The same without what repeats, or takes long (root)
	$(VENV)/bin/python -m pytest -n 4 --dist loadfile -m "not long" $(FAULTS)

.PHONY: test-lab
test-lab: setup ## Run the other tests that need root and no box
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile -m root --ignore tests/packages \
		--ignore tests/system $(addprefix --ignore ,$(PACED) $(FAULTS))

.PHONY: test-sdist
test-sdist: setup $(VENV_PACKAGES)/installed ## Run those that need no root, from the source distribution
	packaging/test-sdist $(VENV_PACKAGES)/bin/python

.PHONY: test-clients
test-clients: setup $(VENV_37)/installed ## Run the tests of the API client with another release of kubernetes
	$(VENV_37)/bin/python -m pytest $(CLIENT_TESTS)

# What looks at how long something takes has the processors first, the rest has what that leaves: the
# most of it is waiting.
.PHONY: test-system
test-system: setup $(BUNDLE)/made ## Build the packages and test them on booted Debian 12 and 13 (root)
	$(VENV)/bin/python -m tests.system.roots
	nice -n 10 $(VENV)/bin/python -m pytest -n 4 --dist loadgroup $(LONG) tests/packages tests/system \
		$(addprefix --ignore ,$(TIMED)) > build/test-system.log 2>&1 & rest=$$!; \
	trap "kill $$rest 2> /dev/null" EXIT; \
	$(VENV)/bin/python -m pytest -n 2 --dist loadgroup $(TIMED); timed=$$?; \
	wait $$rest; others=$$?; cat build/test-system.log; exit $$((timed | others))

.PHONY: check
check: format lint types contracts test ## The whole gate

.PHONY: format
format: setup ## Check the format
	$(VENV)/bin/ruff format --check .

.PHONY: lint
lint: setup ## Check the style
	$(VENV)/bin/ruff check .

.PHONY: types
types: setup $(VENV_PACKAGES)/installed ## Check the types
	$(VENV)/bin/mypy
	cd packaging/build && ../../$(VENV)/bin/mypy --python-executable ../../$(VENV_PACKAGES)/bin/python \
		--config-file ../../pyproject.toml . ../files/bytecode.py
	cd packaging/grafana && ../../$(VENV)/bin/mypy --config-file ../../pyproject.toml .

.PHONY: contracts
contracts: setup ## Check which module may import which
	$(VENV)/bin/lint-imports --no-cache

.PHONY: packages
packages: $(BUNDLE)/made ## Build the deb, the rpm and the package for Arch Linux, into DIST
	$(BUILD) packages --bundle $(BUNDLE) $(DIST)

.PHONY: deb rpm
deb rpm: $(BUNDLE)/made ## Build one of them
	$(BUILD) packages --bundle $(BUNDLE) --format $@ $(DIST)

.PHONY: install
install: $(BUNDLE)/made ## Install below DESTDIR, with PREFIX (/usr), for packagers
	$(BUILD) install --bundle $(BUNDLE) --destdir "$(DESTDIR)/" --prefix "$(PREFIX)"

.PHONY: test-apiserver
test-apiserver: setup ## Run the discovery tests against the kube-apiserver in KUBEBUILDER_ASSETS
	@test -n "$(KUBEBUILDER_ASSETS)" || { echo "set KUBEBUILDER_ASSETS to a folder with kube-apiserver and etcd"; exit 2; }
	KUBEBUILDER_ASSETS=$(KUBEBUILDER_ASSETS) $(VENV)/bin/python -m pytest tests/discovery -m real

.PHONY: sample
sample: setup ## Write the sample configuration anew from the table of settings
	$(VENV)/bin/pokepodsd check-config --sample > packaging/pokepodsd.toml

.PHONY: dashboard
dashboard: setup ## Write the dashboard for Grafana anew
	$(VENV)/bin/python packaging/grafana/generate.py > packaging/grafana/pokepodsd.json

.PHONY: manual
manual: setup ## Write pokepodsd.toml(5) anew from the table of settings
	$(VENV)/bin/python packaging/man/generate.py > packaging/man/pokepodsd.toml.5

.PHONY: lock
lock: setup ## Resolve the dependencies anew
	for release in 35 37; do \
		$(VENV)/bin/pip-compile -q --upgrade --generate-hashes --strip-extras --allow-unsafe \
			--no-emit-find-links --no-emit-index-url --no-emit-options --no-header \
			--extra development -c $(LOCK)/kubernetes-$$release.in \
			-o $(LOCK)/development-$$release.txt pyproject.toml || exit 1; \
	done
	$(VENV)/bin/pip-compile -q --upgrade --generate-hashes --strip-extras --no-header \
		--no-emit-find-links --no-emit-index-url --no-emit-options \
		-c $(LOCK)/kubernetes-35.in -o $(LOCK)/runtime.txt pyproject.toml
	$(VENV)/bin/pip-compile -q --upgrade --generate-hashes --strip-extras --allow-unsafe --no-header \
		--no-emit-find-links --no-emit-index-url --no-emit-options \
		-o $(LOCK)/packages.txt $(LOCK)/packages.in

.PHONY: setup
setup: $(VENV)/installed ## Install what the tests need, from Debian and from the lock

.PHONY: clean
clean: ## Remove what was installed and made here
	rm -rf $(VENV) $(VENV_37) $(VENV_PACKAGES) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/installed: $(LOCK)/development-35.txt pyproject.toml packaging/setup-debian
	packaging/setup-debian
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/python -m pip install -q --require-hashes -r $(LOCK)/development-35.txt
	$(VENV)/bin/python -m pip install -q --no-deps -e .
	touch $@

$(VENV_37)/installed: $(LOCK)/development-37.txt pyproject.toml $(VENV)/installed
	$(PYTHON) -m venv --clear $(VENV_37)
	$(VENV_37)/bin/python -m pip install -q --require-hashes -r $(LOCK)/development-37.txt
	$(VENV_37)/bin/python -m pip install -q --no-deps -e .
	touch $@

$(VENV_PACKAGES)/installed: $(LOCK)/packages.txt
	$(PYTHON) -m venv --clear $(VENV_PACKAGES)
	$(VENV_PACKAGES)/bin/python -m pip install -q --require-hashes -r $(LOCK)/packages.txt
	touch $@

# The dependencies change with their lock alone.
$(BUNDLE)/made: $(LOCK)/runtime.txt packaging/build/bundle.py $(VENV_PACKAGES)/installed
	rm -rf $(BUNDLE)
	$(BUILD) bundle $(BUNDLE)
	touch $@
