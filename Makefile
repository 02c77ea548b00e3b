# The checks of the project. `make` runs what a change must pass before it is pushed; .ci/run runs all of it on a clean
# machine.

GOLANGCI_LINT = go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.PHONY: all generate compare vet lint test race bench fuzz demo

all: compare vet lint race

# generate makes graph/, the generated resolvers and the JSON Schema of gateway.yaml.
generate:
	go generate ./...

# compare generates again and fails on a difference, or on code that gqlgen has moved into a comment.
compare: generate
	@git diff --exit-code --stat || { echo "generated code differs from what is committed"; exit 1; }
	@if [ -n "$$(git ls-files --others --exclude-standard)" ]; then git ls-files --others --exclude-standard; echo "generation left new files"; exit 1; fi
	@if grep -rn '!!! WARNING !!!' --include='*.resolvers.go' .; then echo "gqlgen has moved code into a comment: bring it to a file of its own, or delete it"; exit 1; fi

vet:
	go vet ./...

lint:
	$(GOLANGCI_LINT) run ./...

test:
	go test ./...

race:
	go test -race ./...

# bench prints time and allocations of the hot paths.
bench:
	go test -run '^$$' -bench . -benchmem ./upstreams/... ./gateway/... ./bench/gateway

# fuzz runs each fuzz target for FUZZTIME.
FUZZTIME ?= 30s
fuzz:
	@set -e; for package in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
	    echo "$$package $$target"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$package; \
	  done; \
	done

demo:
	go run ./cmd/gateway demo

include gateway/playground/Makefile
include bench/Makefile
