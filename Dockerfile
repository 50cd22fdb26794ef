# Builds two images: `docker build --target server .` and `docker build --target example .`
# The server needs Swift 6.2 or later because Hummingbird does.
ARG BUILDER_IMAGE=docker.io/library/swift:6.2-bookworm
ARG RUNTIME_IMAGE=docker.io/library/debian:bookworm-slim

FROM ${BUILDER_IMAGE} AS builder
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        libcurl4-openssl-dev zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
# Fetch dependencies in a separate layer, which is reused until Package.swift changes.
COPY Package.swift ./
RUN swift package resolve
COPY Sources Sources
COPY server server
COPY Tests Tests
# With the Swift library linked in, the runtime image needs no Swift, and a process starts with less memory.
RUN swift build -c release --static-swift-stdlib --product server \
    && swift build -c release --static-swift-stdlib --product example \
    && install -D -s -t /out "$(swift build -c release --show-bin-path)/server" \
        "$(swift build -c release --show-bin-path)/example"

FROM ${RUNTIME_IMAGE} AS runtime
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        ca-certificates libcurl4 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --user-group --uid 10001 --no-create-home --shell /usr/sbin/nologin streaming

FROM runtime AS example
COPY --from=builder /out/example /usr/local/bin/
USER streaming
ENTRYPOINT ["example"]

FROM runtime AS server
COPY --from=builder /out/server /usr/local/bin/
# A new volume mounted here gets this owner.
RUN install -d -o streaming -g streaming /uploads
USER streaming
VOLUME /uploads
EXPOSE 3000
ENTRYPOINT ["server"]
CMD ["--host", "0.0.0.0", "--port", "3000", "--dir", "/uploads"]
