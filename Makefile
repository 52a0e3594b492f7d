# Everything a newcomer needs: `make gate`, `make test`. Each makes the virtual environment if it is not there.
PYTHON ?= python3
TARGET ?=
PROFILE ?= full
SEED ?= 7
JOBS ?= 1
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed

.PHONY: help gate test selftest matrix sound soak differential gamedays lint types imports check targets bench bench-cloud bench-plane bench-timing bench-side bench-scan curves clean scorecard

help: ## list what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The lock names all there is to install (`make lint` checks that). Were pip to resolve it, it would stop at a newer release
# of any package that another one asks for with an extra.
$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("brownout needs Python 3.11 or newer, and this is " + sys.version.split()[0] + ". Say PYTHON=python3.12, say.") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

gate: $(STAMP) ## judge the reference router on the fast profile, in real time
	$(BIN)/brownout gate

test: $(STAMP) ## run brownout's own tests
	$(BIN)/pytest -n 2 -m 'not real_time' tests
	$(BIN)/pytest -m real_time tests

selftest: $(STAMP) ## prove that every planted defect turns its own promise red, on a test that shows it, and good routers nothing
	$(BIN)/brownout selftest --brief
	$(BIN)/pytest -q suites/selftest/test_sound.py
	$(BIN)/pytest -q -n 4 suites/selftest/test_outward.py

matrix: $(STAMP) ## the same on every test where a defect may tell: nothing unrelated may turn red (20 minutes on 2 cores)
	$(BIN)/brownout selftest

sound: $(STAMP) ## play good routers of other designs on every test: whatever turns red is a false alarm (10 minutes)
	for target in suites/selftest/sound/targets/*.yaml; do \
		$(BIN)/brownout gate --clock virtual --profile full --seed $(SEED) --target $$target || exit; \
	done

soak: $(STAMP) ## play the suites with one seed after another, and tally
	$(BIN)/brownout soak

differential: .targets/ministack/installed ## hold our reading of IAM policies against ministack's, which is no dependency (90 MB)
	.targets/ministack/bin/python -m pytest -q tests/iam

# Beside what the lock names, for ministack wants a botocore of its own.
.targets/ministack/installed: requirements.lock
	$(PYTHON) -m venv .targets/ministack
	.targets/ministack/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	.targets/ministack/bin/python -m pip install --quiet --disable-pip-version-check ministack==1.5.33
	touch $@

gamedays: $(STAMP) ## play the game days with the reference router, in virtual time
	$(BIN)/pytest -q suites/gamedays

lint: $(STAMP) ## ruff: rules and format; and that the lock lacks nothing
	$(BIN)/python -m pip check --disable-pip-version-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) ## mypy --strict
	$(BIN)/mypy

imports: $(STAMP) ## the rooms depend downwards only
	$(BIN)/lint-imports

check: test selftest gamedays lint types imports ## all of the above

targets: $(STAMP) ## install the targets that need an environment of their own (those by npm only where npm is)
	$(BIN)/brownout install fixtures/targets/*.yaml

# Exit codes up to 2 are verdicts; a page is made of any.
scorecard: $(STAMP) ## judge one target and publish its page: make scorecard TARGET=fixtures/targets/litellm.yaml
	@test -n "$(TARGET)" || { echo "Say which: make scorecard TARGET=fixtures/targets/litellm.yaml"; exit 64; }
	$(BIN)/brownout gate --target $(TARGET) --profile $(PROFILE) --seed $(SEED) --jobs $(JOBS) || test $$? -le 2
	$(BIN)/brownout scorecard runs/gate/latest

bench: $(STAMP) ## print ratios: virtual against real time
	$(BIN)/python -m bench.clocks

bench-cloud: $(STAMP) .targets/aimock ## print ratios: the emulated cloud beside a bare aiohttp handler and aimock
	$(BIN)/python -m bench.cloud --aimock .targets/aimock

bench-plane: $(STAMP) ## print ratios: requests through the fault plane without a fault beside direct ones
	$(BIN)/python -m bench.plane

bench-timing: $(STAMP) ## print how far from their schedule faults are met, and no longer met
	$(BIN)/python -m bench.timing

bench-side: $(STAMP) ## print ratios: a test alone, and beside others, in real time
	$(BIN)/python -m bench.side_by_side

bench-scan: $(STAMP) ## print ratios: looking for canaries beside a plain read of the same bytes
	$(BIN)/python -m bench.scan

.targets/aimock:
	mkdir -p .targets
	if command -v npm >/dev/null; then npm install --silent --no-fund --no-audit --prefix $@.part @copilotkit/aimock@1.43.0 && mv $@.part $@; else echo "npm is not here: aimock will not be compared"; fi

curves: $(STAMP) ## draw what callers get as load rises, for each kind of capacity
	$(BIN)/brownout curve

clean: ## remove what was made here, but no evidence
	rm -rf $(VENV) .targets .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
