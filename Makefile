# Every target is one command a person or CI runs. Go and Node are all it needs.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

GO ?= go
GOLANGCI = $(GO) tool -modfile=tools/go.mod golangci-lint
FUZZTIME ?= 30s
# A night is many short goroutines deep in the SDK: they begin with the stack that the others needed, and garbage is
# collected more rarely.
NIGHTS = GOGC=400 GODEBUG=adaptivestackstart=1 $(GO) test

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: ## Rehearse a night on the embedded AWS (SEED=n picks the fleet, ARGS passes flags)
	@$(GO) run ./local demo $(if $(SEED),--seed $(SEED)) $(ARGS)

.PHONY: test
test: ## Run every test (ARGS passes flags)
	$(NIGHTS) -timeout 45m ./... $(ARGS)

N ?= 20000

.PHONY: soak
soak: ## Play N nights (20000) in which two things go wrong, once or for long, after every night with one
	$(NIGHTS) ./test/night -count=1 -timeout 0 -run 'CrashPoint|Lasting' -crash-every -nights $(N) -pairs $(N) -v | grep -vE '^ *(=== |--- PASS)'

.PHONY: load
load: ## Play a run of 2,000 sources and 200 requests in a minute, and tell the budgets
	$(NIGHTS) ./test/night -count=1 -timeout 0 -run Load -sources 2000 -v | grep -vE '^ *(=== |--- PASS)'

.PHONY: lint
lint: ## Lint every package, and prove that the rules bite
	$(GOLANGCI) run ./...
	$(GO) test -C tools -count=1 ./...

.PHONY: fmt
fmt: ## Format every Go file
	$(GOLANGCI) fmt

# The tree git would commit now, as one id, so that two moments can be compared
# whatever was already changed before.
WORKTREE = index=$$(mktemp -u) && GIT_INDEX_FILE=$$index git add --all && GIT_INDEX_FILE=$$index git write-tree && rm -f $$index

.PHONY: verify
verify: ## Generate, format, tidy and lint; fails when that changed a file
	@before=$$($(WORKTREE)); \
	$(GO) generate ./...; \
	$(MAKE) --no-print-directory fmt; \
	$(GO) mod tidy -diff; \
	$(GO) -C tools mod tidy -diff; \
	$(MAKE) --no-print-directory lint; \
	after=$$($(WORKTREE)); \
	git diff --stat --exit-code $$before $$after || \
		{ echo "verify: the files above were not generated or formatted; commit what verify wrote" >&2; exit 1; }

# What is written by hand: no test, no example of a test, nothing generated.
PRODUCT = git ls-files -- '*.go' ':!*_test.go' ':!test' ':!tools' ':!*/testdata/*' | xargs -d '\n' grep -L '^// Code generated'

.PHONY: measure
measure: ## Tell the size of the source: lines, exported names, long files, long lines
	@printf '%7d lines of Go, tests left out\n' $$($(PRODUCT) | xargs -d '\n' cat | wc -l)
	@printf '%7d exported functions, methods, types, variables and constants\n' \
		$$($(PRODUCT) | xargs -d '\n' grep -hE '^(func|type|var|const) (\([^)]*\) )?[A-Z]' | wc -l)
	@printf '%7d files over 300 lines\n' $$($(PRODUCT) | xargs -d '\n' wc -l | awk '$$1 > 300 && $$2 != "total"' | wc -l)
	@printf '%7d lines over 120 columns\n' $$($(PRODUCT) | xargs -d '\n' awk 'length > 120' | wc -l)

# The same source gives the same bytes, on any machine with the same Go release.
FUNCTIONS := $(patsubst functions/%/lambda/main.go,%,$(wildcard functions/*/lambda/main.go))
BOOTSTRAPS := $(FUNCTIONS:%=dist/functions/%/bootstrap)
LEFTOVERS = $(filter-out $(FUNCTIONS:%=dist/functions/%),$(wildcard dist/functions/*))
LAMBDA_ENV := GOOS=linux GOARCH=arm64 GOARM64=v8.0 CGO_ENABLED=0 GOFLAGS= GOWORK=off GOEXPERIMENT=
LAMBDA_FLAGS := -tags lambda.norpc -trimpath -buildvcs=false -ldflags "-s -w -buildid="
# A function is made of its own folder and shared. Folders are listed with their files, since a
# folder's time tells of a file that went away.
sources = $(shell find $(1) -name testdata -prune -o ! -name '*_test.go' \( -type d -o -type f \) -print)
SHARED := $(call sources,$(wildcard shared))

.PHONY: build
build: $(BOOTSTRAPS) ## Build every function for Lambda into dist/functions
	@rm -rf $(LEFTOVERS)

.SECONDEXPANSION:
$(BOOTSTRAPS): dist/functions/%/bootstrap: go.mod go.sum dist/toolchain $(SHARED) $$(call sources,functions/$$*)
	@echo "build $*"
	@$(LAMBDA_ENV) $(GO) build $(LAMBDA_FLAGS) -o $@ ./functions/$*/lambda

# Rewritten only when the Go release or the flags change, so that either rebuilds every function.
dist/toolchain: FORCE
	@mkdir -p $(@D); \
	now='$(shell $(GO) env GOVERSION) $(LAMBDA_ENV) $(LAMBDA_FLAGS)'; \
	[ "$$now" = "$$(cat $@ 2>/dev/null)" ] || echo "$$now" >$@
.PHONY: FORCE
FORCE:

.PHONY: release
release: ## Build the command line for Linux, macOS and Windows, with checksums, into dist/release
	$(GO) run ./cmd/goldsmith/release

node_modules/.package-lock.json: package.json package-lock.json .npmrc
	npm ci
	@touch $@

.PHONY: synth
synth: build node_modules/.package-lock.json ## Write the CloudFormation templates to cdk.out (ARGS passes -c key=value)
	@rm -rf cdk.out
	npx --no-install cdk synth --quiet $(ARGS)

.PHONY: deploy
deploy: synth ## Deploy what synth wrote, with your AWS credentials
	npx --no-install cdk deploy --app cdk.out --all $(ARGS)

.PHONY: bench
bench: build ## Measure against the budgets
	$(GO) run ./test/bench $(ARGS)

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (30s), one after the other (ARGS=-write keeps what was executed)
	$(GO) run ./test/fuzz -for $(FUZZTIME) $(ARGS)

.PHONY: mutants
mutants: ## Change one thing at a time where the promises are kept, and see what the tests miss (ARGS passes flags)
	$(GO) run ./test/mutation $(if $(ARGS),$(ARGS),-write)

.PHONY: clean
clean: ## Remove what the other targets wrote
	rm -rf dist cdk.out node_modules
