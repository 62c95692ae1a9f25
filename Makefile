# `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
DEV = $$(hack/venv dev)/bin
WORKER_DEV = $$(hack/venv worker-dev)/bin

.PHONY: help
help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Run the MNIST tutorial, on a new local cluster or the one KUBECONFIG names (EPOCHS=2: a short one).
	@hack/demo/run

.PHONY: deploy
deploy: ## Bring up the cluster, build the images and install the chart, as demo does before the tutorial.
	@hack/deploy

.PHONY: notebook
notebook: ## With a cluster up: the tutorial as a notebook, in JupyterLab (EPOCHS=2 IMAGES=6000: a short one).
	@hack/notebook

.PHONY: teardown
teardown: ## Remove all that demo, deploy and test made; the build cache stays.
	@hack/cluster/down

.PHONY: test
test: ## Install what they need and run every check and test.
	@hack/test

.PHONY: lint
lint: ## Style, types, import contracts, shell scripts.
	@hack/lint

.PHONY: generate
generate: ## Regenerate CRDs, chart documentation and API reference.
	@hack/generate/all .

.PHONY: verify
verify: ## Check that what is generated is up to date.
	@hack/verify

.PHONY: test-unit
test-unit: ## Tests that need nothing but Python: the operator's, the worker's, the example's.
	@$(DEV)/pytest --numprocesses 2 --dist loadfile --timeout 600 tests/unit/test_distributions.py tests/unit/core tests/unit/client tests/unit/operator tests/unit/hack tests/unit/docs
	@$(WORKER_DEV)/pytest --numprocesses 2 --dist loadfile tests/unit/worker tests/unit/examples

.PHONY: test-integration
test-integration: ## The chart and the operator against a real API server, etcd and controllers.
	@hack/cluster/binaries control-plane >/dev/null && hack/cluster/binaries kueue >/dev/null
	@$(DEV)/pytest --numprocesses 2 --dist loadfile --timeout 600 tests/chart tests/integration tests/conformance tests/conform

.PHONY: conform
conform: ## Hold the simulated world against the real one, at length (SEQUENCES=20000 SEED=0).
	@hack/cluster/binaries control-plane >/dev/null
	@$(DEV)/pytest tests/conform --sequences $(or $(SEQUENCES),20000) --first-seed $(or $(SEED),0)

.PHONY: simulate
simulate: ## Let fresh simulated scenarios happen, at length (SCENARIOS=2000 SEED=7; by default a new seed).
	@PYTHONPATH=.:core:operator:worker $(DEV)/python -m tests.simulate --scenarios $(or $(SCENARIOS),2000) $(if $(SEED),--seed $(SEED))

.PHONY: bench
bench: ## What it costs, each figure beside its baseline (ROWS=jobs,chain COUNT=100).
	@hack/cluster/binaries control-plane >/dev/null && hack/cluster/binaries kwok >/dev/null
	@PYTHONPATH=.:core:operator $(DEV)/python -m benchmarks $(if $(ROWS),--rows $(ROWS)) $(if $(COUNT),--count $(COUNT))

.PHONY: test-e2e
test-e2e: deploy ## The tutorial and its failures with TensorFlow pods on a real cluster.
	@$(DEV)/pytest --timeout 1800 --numprocesses 4 --dist loadscope --no-loadscope-reorder -m 'not alone' tests/e2e
	@$(DEV)/pytest --timeout 1800 -m alone tests/e2e

.PHONY: test-testbed
test-testbed: deploy ## The testbed's tutorial on all of MNIST, as test-e2e has it on a few hundred images.
	@$(DEV)/pytest --timeout 3600 --all-of-mnist tests/e2e/test_testbed.py

.PHONY: test-notebook
test-notebook: deploy ## The notebook in JupyterLab, as a browser shows it (a quarter of an hour, not part of test).
	@hack/browser
	@$(DEV)/pytest --timeout 1800 tests/browser

.PHONY: tutorials
tutorials: deploy ## Run every command of the tutorials in docs, with TensorFlow pods on a real cluster.
	@$(DEV)/pytest --timeout 1800 tests/e2e/test_docs.py --at-length

.PHONY: release
release: ## Leave in dist what a release consists of, but for the images: chart, definitions, wheels.
	@hack/release

.PHONY: wheels
wheels: ## Build the wheels of core, client, operator and worker into dist/wheels.
	@hack/wheels

.PHONY: lock
lock: ## Lock the versions of all libraries anew (hack/lock --upgrade takes newer ones).
	@hack/lock
