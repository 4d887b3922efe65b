# README's two commands are run and test.
STATICCHECK = go tool -modfile=.ci/tools.mod staticcheck

.PHONY: run test race long fuzz golden cover bench

run: ## the backbone with made-up people and post, and what to try next
	go run ./cmd/digitalpost demo --data ./var --listen 127.0.0.1:8080

test: ## everything that a change must pass
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "gofmt the files above"; exit 1; }
	go vet ./...
	go mod tidy -diff
	$(STATICCHECK) ./...
	go test ./...

race:
	go test -race -short ./...

long: ## simulation, crashes and power cuts for longer
	LONG=1 go test -timeout 3h ./...

fuzz: ## every fuzz target, ten seconds each
	@for t in $$(grep -rl 'func Fuzz' --include=*_test.go .); do \
	  for f in $$(sed -n 's/^func \(Fuzz[A-Za-z]*\).*/\1/p' $$t); do go test -run '^$$' -fuzz "^$$f$$" -fuzztime 10s -fuzzminimizetime 10x $$(dirname $$t) || exit 1; done; done

golden: ## writes the golden files anew; read the difference
	UPDATE_GOLDEN=1 go test ./... && git diff --stat testdata

cover:
	go test -cover ./domain/... ./eventstore/...

bench:
	go test -run '^$$' -bench . -benchtime 2s ./...
