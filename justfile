# Short names for what one does here all day. `./run RECIPE` first installs what is missing.

# Arguments reach the programs as they were typed, spaces and all.
set positional-arguments

# List the recipes.
_default:
    @just --list

# Watch the main job work: private PostgreSQL, simulated Riot API and server in one process.
demo *options:
    @cargo run -p riftwatch -- demo "$@"

# Run the server against the real Riot API (RIOT_API_KEY) or RIOT_API_BASE_URL.
serve *options:
    @cargo run -p riftwatch -- serve "$@"

# Run the simulated Riot API alone.
sim *options:
    @cargo run -p riftwatch -- sim "$@"

# The private database: `just db start|stop|url|psql`.
db *command:
    @cargo run -q -p riftwatch -- db "$@"

# Run every test, documentation examples included; names or `-p CRATE` narrow it down.
test *options:
    cargo test --workspace "$@"

# Write every file as rustfmt would.
fmt:
    cargo fmt --all

# Fail if rustfmt would write any file otherwise.
fmt-check:
    cargo fmt --all -- --check

# Fail on any warning of the compiler or clippy.
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# Build the documentation; a dead link is an error.
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Fail on a dependency that deny.toml does not want (licences, bans, sources).
deny:
    cargo deny --locked check bans licenses sources

# Fail where the running server does not keep to its own description: schemathesis, and a generated client.
test-contract *options:
    @tests/contract/run.sh "$@"

# Fail on a dependency that nothing uses.
machete:
    cargo machete

# List every crate in the program, as CycloneDX, in target/sbom/riftwatch.cdx.json.
sbom:
    cargo cyclonedx --quiet --manifest-path crates/riftwatch/Cargo.toml --describe binaries --format json --spec-version 1.5 --no-build-deps
    @mkdir -p target/sbom
    @sed "s|file://$PWD/||g" crates/riftwatch/riftwatch_bin.cdx.json > target/sbom/riftwatch.cdx.json
    @rm crates/riftwatch/riftwatch_bin.cdx.json

# Fail on what shellcheck, hadolint and systemd say of the deployment's files, or squawk of migrations.
lint-deploy:
    shellcheck -x run .ci/run deploy/*.sh deploy/lint/*.sh
    hadolint Dockerfile
    deploy/lint/units.sh
    deploy/lint/migrations.sh

# Walk the dashboard of the real program in a headless Chromium; screenshots go to target/screenshots.
test-browser *options:
    @tests/browser/run.sh "$@"

# Everything that CI does.
ci:
    .ci/run

# PostgreSQL, simulator, api, scheduler and two workers on loopback. `--for SECONDS`, `--kill`.
cluster *options:
    @deploy/cluster.sh "$@"

# The README's commands on an empty Debian with Rust alone (root, debootstrap). `--test` for both.
fresh-machine *options:
    @deploy/fresh-machine.sh "$@"

# Take a back-up while a server works, restore it, and run on what was restored.
backup-drill:
    @deploy/backup-drill.sh

# The version of a commit and this one side by side on one database: `--from REF`, `--old PROGRAM`.
rolling-upgrade *options:
    @deploy/rolling-upgrade.sh "$@"

# Measure the job runtime: throughput, latency, ticks, rescue, dead rows. `--seconds 600` for the long load, `--peers` to compare.
bench-runner *options:
    @cargo run --release -p riftwatch-runner --example bench -- "$@"

# Measure the dashboard: server time of every page, and what an open page costs, at a million runs.
bench-dashboard *options:
    @cargo run --release -p riftwatch-dashboard --example bench_pages -- "$@"

# Measure how fast accounts are read, scored and assessed.
bench-detection:
    @cargo bench -p riftwatch-detection

# Measure how fast matches go from Riot's answer into PostgreSQL, and rival ways to write them.
bench-store:
    @cargo run --release -p riftwatch-app --example bench_store

# Time the queries of jobs and API on a history of ten million participants, or of as many as named.
bench-history *participants:
    @cargo run --release -p riftwatch-app --example bench_history -- "$@"

# Measure the API under load beside an actix hello: requests a second, latency, event streams, downloads (takes wrk).
bench-http *options:
    @cargo run --release -p riftwatch-http --example bench_http -- "$@"

# Break everything for two minutes, then prove that no tick was lost and no run doubled.
chaos *options:
    @cargo run -p riftwatch-runner --example chaos -- "$@"

# Measure how several processes share one API key: use of its limits, 429s, commits a request.
bench-riot *options:
    @cargo run -p riftwatch-app --example bench_riot -- "$@"

# Measure our Riot client beside Riven, an independent one, on the same simulator (compiles Riven first).
bench-riven *options:
    @CARGO_TARGET_DIR="{{justfile_directory()}}/target/peers" cargo run --locked --manifest-path peers/riven/Cargo.toml -- load "$@"

# Fail if our Riot client and Riven read any answer differently (compiles Riven first).
riven-agrees:
    @CARGO_TARGET_DIR="{{justfile_directory()}}/target/peers" cargo run --locked --manifest-path peers/riven/Cargo.toml -- agree

# Measure how fast stored players are assessed through the job, with 1, 2 and 4 slots.
bench-assess *options:
    @cargo run --release -p riftwatch-jobs --example bench_assess -- "$@"
