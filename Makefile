# Callbox. `make help` lists all.
SHELL := /bin/bash
PY := .venv/bin/python
PYTEST := $(PY) -m pytest -q
# modules shared between workers, the longest first (tests/conftest.py); what waits for phones and browsers: three workers
POOL := --dist loadfile --no-loadscope-reorder
.DEFAULT_GOAL := help

.PHONY: help setup run test test-long check figures image image-again image-first boot-test boot-test-short boot-test-ci clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## all set-up (Debian packages, Python, web assets, database, certificates, sounds); asks nothing
	@image_build/setup.sh

run: setup ## the whole box in the foreground with the bench beside it
	@.venv/bin/callbox run --bench

test: setup ## all that fits into 15 minutes on 2 cores
	$(PYTEST) -n 2 $(POOL) -m "unit or sim" tests/unit tests/sim
	$(PYTEST) -n 3 $(POOL) -m "integration or e2e" --reruns 2 tests/integration tests/e2e

test-long: setup ## soaks, fuzzing and full-size figures; results go to docs/figures/
	@image_build/packages.sh image_build/packages-long.txt
	$(PYTEST) -m "soak" --timeout 3600 tests
	image_build/figures.sh
	@# twenty power cuts of an emulated box, where an image has been built
	[ ! -e build/image/callbox.img ] || $(PY) -m tests.boot --stages first_boot,power_cuts --cuts 20 --out build/boot-cuts

check: setup ## ruff, mypy --strict, import rules, templates
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/djlint --lint webui/templates

figures: setup ## measure every figure again and write docs/figures/
	image_build/figures.sh

image: setup ## the device's image, its signed bundle and bill of materials, into build/image (root)
	@image_build/packages.sh image_build/packages-image.txt
	image_build/image/build.sh

image-again: ## build the image a second time and compare the digests
	image_build/image/compare.sh

image-first: setup ## an image of the first release's product, which boot-test then updates from (root)
	@image_build/packages.sh image_build/packages-image.txt
	image_build/image/predecessor.sh v0.1.0

boot-test: setup ## boot build/image under QEMU by its own boot loader, dial through it; writes docs/figures/boot.md
	@image_build/packages.sh image_build/packages-image.txt
	$(PY) -m tests.boot

boot-test-short: setup ## the same, one boot, kernel started directly
	@image_build/packages.sh image_build/packages-image.txt
	$(PY) -m tests.boot --short

boot-test-ci: setup ## image built and booted once to dial-ready; skipped with a word where QEMU cannot be had
	image_build/boot_ci.sh

clean: ## remove what set-up made in the checkout (not ./var, which holds the box's data)
	rm -rf .venv .setup webui/static/dist webui/frontend/node_modules
	find . -name __pycache__ -prune -exec rm -rf {} +
