# Needs GNU make 3.81 or later, the version that macOS ships. `make` lists the targets.

FILE ?= payload/book.txt
SIZE ?= 1G
LIMIT ?= 20M
VERSION ?=
SECONDS ?= 60
MINUTES ?= 10
# Further arguments: of `swift test` for `make test`, of the example for `make test-memory`.
ARGS ?=
export FILE SIZE LIMIT VERSION MINUTES ARGS

SOURCES = Package.swift Sources Tests server Benchmarks Examples
# `make test WERROR=1` turns warnings in this package into errors. SwiftPM exempts dependencies.
SWIFT_FLAGS = $(if $(WERROR),-Xswiftc -warnings-as-errors)

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z][^:]*\): .*## /\1|/p' Makefile | awk -F '|' '{ printf "  make %-18s %s\n", $$1, $$2 }'

.PHONY: run
run: ## build in release mode, start the server, upload FILE and compare: FILE=payload/book.txt
	@scripts/run.sh "$$FILE"

.PHONY: test
test: ## build and run the tests: WERROR=1 ARGS='--filter Multipart'
	@SWIFT_FLAGS='$(SWIFT_FLAGS)' scripts/test.sh $(ARGS)

.PHONY: test-newer-curl
test-newer-curl: ## run the client's tests with a newer libcurl, from PyPI; run `make test` first
	@scripts/test-newer-curl.sh

.PHONY: test-memory
test-memory: ## upload FILE under a memory limit: LIMIT=20M SERVER_LIMIT=48M MEMORY_LIMIT_WITH=cgroup ARGS=-gzip
	@scripts/test-memory.sh "$$FILE" "$$LIMIT" $(ARGS)

.PHONY: faults
faults: ## kill, fail and fill at every system call of an upload; needs root and strace
	@scripts/faults.sh $(ARGS)

.PHONY: test-echo
test-echo: ## send SIZE bytes to POST /echo and compare the response, with the example and curl: SIZE=1G
	@scripts/test-echo.sh "$$SIZE"

.PHONY: test-ceph
test-ceph: ## run the tests of storages against a Ceph cluster on this machine; needs root or Ceph's packages
	@scripts/test-ceph.sh

.PHONY: soak
soak: ## uploads, downloads, aborts and invalid requests at full load; checks every byte, plots memory: MINUTES=30
	@scripts/soak.sh "$$MINUTES"

.PHONY: soak-resume
soak-resume: ## 4 GiB over 1,000 cut connections, and 200 MiB over a link that loses packets; needs root and nftables
	@scripts/soak-resume.sh

.PHONY: sanitize
sanitize: ## run the client's tests under ThreadSanitizer and AddressSanitizer: ARGS='--filter Client'
	@scripts/sanitize.sh -- $(ARGS)

.PHONY: fuzz
fuzz: ## run the fuzz targets with libFuzzer: SECONDS=60 ARGS=multipart
	@scripts/fuzz.sh "$(SECONDS)" $(ARGS)

.PHONY: bench
bench: ## upload speed of the example and of curl -F, with 1 GiB or BENCH_FILE
	@scripts/bench.sh $(if $(BENCH_FILE),"$(BENCH_FILE)")

.PHONY: bench-gzip
bench-gzip: ## speed of compressed uploads, against pigz piped to curl: 256 MiB of text or BENCH_FILE
	@scripts/bench-gzip.sh $(if $(BENCH_FILE),"$(BENCH_FILE)")

.PHONY: bench-requests
bench-requests: ## requests of 1 KiB per second, against libcurl in C
	@scripts/bench-requests.sh

.PHONY: bench-folder
bench-folder: ## 1,000 files of 1 KiB in one request, against curl -F
	@scripts/bench-folder.sh

.PHONY: bench-tool
bench-tool: ## the tool upload beside curl, httpie and rclone: ARGS='5 loopback'
	@scripts/bench-tool.sh $(ARGS)

.PHONY: bench-rate
bench-rate: ## accuracy of the rate limit at 100 KiB/s and 100 MiB/s; must be within 5 %
	@scripts/bench-rate.sh

.PHONY: bench-idle
bench-idle: ## upload speed alone and next to 1,000 open, idle requests
	@scripts/bench-idle.sh

.PHONY: bench-server
bench-server: ## short requests per second to the server, against an empty Hummingbird route, with wrk
	@scripts/bench-server.sh $(ARGS)

.PHONY: bench-multipart
bench-multipart: ## speed and allocations of MultipartSequence, against the parser alone
	@scripts/bench-multipart.sh

.PHONY: bench-durable
bench-durable: ## cost of forcing uploads to the disk, against dd and a C loop: FOLDER=/mnt/disk
	@scripts/bench-durable.sh $(FOLDER)

.PHONY: bench-store
bench-store: ## uploads into an object store, against rclone and aws; 10 GiB and 100 at once with limits: ARGS='256M 1G 20'
	@scripts/bench-store.sh $(ARGS)

.PHONY: bench-scaling
bench-scaling: ## uploads to several servers behind a load balancer while one is killed: BALANCER=haproxy RESUME=draft
	@scripts/bench-scaling.sh

.PHONY: lint
lint: ## check formatting, code structure, shell scripts and the book
	swift format lint --strict --parallel -r $(SOURCES)
	@scripts/lint-structure.sh
	@if command -v shellcheck >/dev/null; then shellcheck -x scripts/*.sh .ci/run; fi
	@scripts/test-release.sh
	@scripts/payload.sh check payload/book.txt

.PHONY: format
format: ## format all Swift sources
	swift format -i --parallel -r $(SOURCES)

.PHONY: docs
docs: ## build the documentation in .build/docs; fails on undocumented public symbols and on warnings
	@SWIFT_FLAGS='$(SWIFT_FLAGS)' scripts/docs.sh

.PHONY: api-breakage
api-breakage: ## compare the public API with the last tag
	@scripts/api-breakage.sh

.PHONY: downstream
downstream: ## build a package that depends on this one, and check that it fetches nothing else
	@scripts/downstream.sh

.PHONY: examples
examples: ## build the programs in Examples, and the package in the guide, and run them against each other
	@SWIFT_FLAGS='$(SWIFT_FLAGS)' scripts/examples.sh

.PHONY: release
release: ## check and tag a release: VERSION=1.2.3 DRY_RUN=1
	@scripts/release.sh "$$VERSION"

.PHONY: cert
cert: ## make a certificate for localhost in .cert, to try HTTPS
	@scripts/cert.sh

.PHONY: screenshots
screenshots: ## take the screenshots in docs/page again; needs chromium
	@scripts/screenshots.sh

.PHONY: captures
captures: ## write docs/upload-terminal.md again: what `upload` shows on a terminal; needs tmux
	@scripts/captures.sh

.PHONY: docker
docker: ## start the server in a container and upload the book from another one, limited to 20 MB
	@scripts/docker.sh up

.PHONY: docker-stop
docker-stop: ## stop and remove the containers of `make docker`, and what was uploaded
	@scripts/docker.sh down

# Always written again, because SIZE may differ. The file is sparse, so this takes a moment only.
payload/%.bin: FORCE ## make a large sparse file: SIZE=10G
	@scripts/payload.sh big $@ "$$SIZE"

payload/book.txt: scripts/book.awk
	@scripts/payload.sh book $@

.PHONY: clean
clean: ## remove build products and large payloads
	rm -rf .build payload/*.bin

.PHONY: FORCE
FORCE:
