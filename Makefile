# Needs GNU make 3.81 or later, which is what macOS has. `make` lists the targets.

FILE ?= payload/book.txt
SIZE ?= 1G
LIMIT ?= 20M
# Further arguments: of `swift test` for `make test`, of the example for `make memcap`.
ARGS ?=
export FILE SIZE LIMIT ARGS

SOURCES = Package.swift Sources Tests server Benchmarks
# `make test WERROR=1` makes warnings errors in this package; SwiftPM leaves dependencies out.
SWIFT_FLAGS = $(if $(WERROR),-Xswiftc -warnings-as-errors)

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z][^:]*\): .*## /\1|/p' Makefile | awk -F '|' '{ printf "  make %-18s %s\n", $$1, $$2 }'

.PHONY: run
run: ## build, start the server, upload FILE, compare: FILE=payload/book.txt
	@scripts/run.sh "$$FILE"

.PHONY: test
test: ## run all tests: WERROR=1 ARGS='--filter Multipart'
	@SWIFT_FLAGS='$(SWIFT_FLAGS)' scripts/test.sh $(ARGS)

.PHONY: test-newer-curl
test-newer-curl: ## run the client's tests, built before, with a libcurl from PyPI
	@scripts/test-newer-curl.sh

.PHONY: sanitize
sanitize: ## the client's tests under ThreadSanitizer and AddressSanitizer: ARGS='--filter Client'
	@scripts/sanitize.sh -- $(ARGS)

.PHONY: memcap
memcap: ## upload FILE under a memory limit and prove it: LIMIT=20M MEMCAP_WITH=cgroup ARGS=
	@scripts/memcap.sh "$$FILE" "$$LIMIT" $(ARGS)

.PHONY: bench
bench: ## the example against curl -F, in turn, with 1 GiB or BENCH_FILE
	@scripts/bench.sh $(if $(BENCH_FILE),"$(BENCH_FILE)")

.PHONY: bench-gzip
bench-gzip: ## compressing on the way against pigz and curl, with 256 MiB of text or BENCH_FILE
	@scripts/bench-gzip.sh $(if $(BENCH_FILE),"$(BENCH_FILE)")

.PHONY: bench-requests
bench-requests: ## requests of 1 KiB one after another, against libcurl in C
	@scripts/bench-requests.sh

.PHONY: bench-rate
bench-rate: ## how exact a rate limit is, at 100 KiB/s and at 100 MiB/s: within 5 %
	swift build --package-path Benchmarks --scratch-path .build/benchmarks -c release --product rate
	.build/benchmarks/release/rate 102400 10
	.build/benchmarks/release/rate 104857600 3

.PHONY: bench-idle
bench-idle: ## an upload of 1 GiB alone, and beside 1,000 requests that are open and idle
	@scripts/bench-idle.sh

.PHONY: bench-server
bench-server: ## short requests to the server, against an empty route of Hummingbird's, with wrk
	@scripts/bench-server.sh $(ARGS)

.PHONY: echo
echo: ## SIZE of bytes to the server and back at once, by HTTP/1.1 and 2, the example and curl: SIZE=1G
	@scripts/echo.sh "$$SIZE"

.PHONY: cert
cert: ## a certificate for localhost, to try HTTPS with, in .cert
	@scripts/cert.sh

.PHONY: screenshots
screenshots: ## take those of the page in docs/ anew, with chromium
	@scripts/screenshots.sh

.PHONY: docker
docker: ## the same in containers: payload/book.txt under 20 MB, see docker-compose.yml
	@scripts/docker.sh up

.PHONY: stop
stop: ## end and remove the containers of `make docker`
	@scripts/docker.sh down

.PHONY: lint
lint: ## check the formatting of all Swift sources, and the scripts where shellcheck is
	swift format lint --strict --parallel -r $(SOURCES)
	@if command -v shellcheck >/dev/null; then shellcheck -x scripts/*.sh .ci/run; fi
	@scripts/payload.sh check payload/book.txt

.PHONY: format
format: ## format all Swift sources
	swift format -i --parallel -r $(SOURCES)

.PHONY: downstream
downstream: ## build a package that depends on this one, and check that it fetches nothing else
	@scripts/downstream.sh

# Written anew each time: SIZE may be another one, and it takes a moment only.
payload/%.bin: FORCE ## make a big, sparse file: SIZE=10G
	@scripts/payload.sh big $@ "$$SIZE"

payload/book.txt: scripts/book.awk
	@scripts/payload.sh book $@

.PHONY: docs
docs: ## make the documentation in .build/docs, and fail on what is missing there
	@scripts/docs.sh

.PHONY: clean
clean: ## remove what was built and the big payloads
	rm -rf .build payload/*.bin

.PHONY: FORCE
FORCE:
