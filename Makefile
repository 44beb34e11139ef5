# The same verbs as in package.json, for hands and for CI. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
.DEFAULT_GOAL := help

.PHONY: help install demo dev test test-all test-e2e lint verify generate clean

help: ## show what there is to do
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

# npm leaves the stamp's folder alone when nothing changed, so this costs nothing the second time.
node_modules/.installed: package.json package-lock.json $(wildcard packages/*/package.json */package.json)
	npm install --no-audit --no-fund --loglevel=error
	@node -e 'if (Number(process.versions.node.split(".")[0]) < 24) { console.error("Node 24 was not installed by the npm package node: run `npm install --ignore-scripts=false`"); process.exit(1) }'
	@touch $@

install: node_modules/.installed ## install what the project needs from the registries

demo: install ## a real model answers a Job on a real API server (KEEP=1 leaves it running)
	@node hack/demo.ts

dev: install ## every process on this machine, against a control plane on loopback
	@node cli/src/main.ts dev

test: install ## lint, types, verify, unit, integration, fault and real-model tests
	@node hack/check.ts

test-all: test test-e2e ## everything

test-e2e: install ## the quickstart with a real model; as root also the whole life of an installation on a real node
	@node hack/test.ts e2e

lint: install ## biome and type-aware eslint
	@npm run --silent lint

verify: install ## rings, shapes and generated files
	@npm run --silent verify

generate: install ## CRDs, protocol code, OpenAPI, reference pages
	@npm run --silent generate

clean: ## remove what was installed and built (the cache outside the checkout stays)
	rm -rf node_modules dist .mnemos
