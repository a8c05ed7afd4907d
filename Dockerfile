# The server as an image: compiled in one stage, run by an unprivileged user in another.
# What went into the program stands in the image, as CycloneDX: /usr/share/doc/riftwatch/sbom.cdx.json.
# docker-compose.yml shows how to run it.

FROM rust:1.95-slim-bookworm AS build
RUN cargo install --locked --root /tools cargo-cyclonedx@0.5.9
WORKDIR /src
COPY . .
# The caches keep compiled dependencies from one build to the next; they are no part of the image,
# so the program is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked -p riftwatch && cp target/release/riftwatch /riftwatch
# As the recipe `sbom` of the justfile.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    PATH="/tools/bin:$PATH" cargo cyclonedx --quiet --manifest-path crates/riftwatch/Cargo.toml \
    --describe binaries --format json --spec-version 1.5 --no-build-deps \
    && sed "s|file:///src/||g" crates/riftwatch/riftwatch_bin.cdx.json > /sbom.cdx.json

FROM debian:bookworm-slim
# TLS trusts what the system trusts: the newest list there is, whatever its version.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/riftwatch --create-home riftwatch
COPY --from=build /riftwatch /usr/local/bin/riftwatch
COPY --from=build /sbom.cdx.json /usr/share/doc/riftwatch/sbom.cdx.json
USER 10001
ENV RIFTWATCH_DATA_DIR=/var/lib/riftwatch
VOLUME /var/lib/riftwatch
# There is no curl in here; bash can open a connection itself.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/8000 && printf 'GET /health/ready HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
# Started as the first process of the container, it gets the SIGTERM of `docker stop` itself.
ENTRYPOINT ["riftwatch"]
CMD ["serve"]
