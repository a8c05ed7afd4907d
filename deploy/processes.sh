# shellcheck shell=bash
# Starting and stopping processes, for the scripts beside this file. Sourced, not run.
#
# Everything that a script starts is in $processes and is ended when it exits, whatever happens.
# Everything that it writes is in $work, which goes away too.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The program; RIFTWATCH names another build of it.
riftwatch=${RIFTWATCH:-target/debug/riftwatch}
work=$(mktemp -d "${TMPDIR:-/tmp}/riftwatch-XXXXXX")
# A private PostgreSQL that is started by root runs as another user, who has to get in.
chmod 755 "$work"
export RIFTWATCH_DATA_DIR=$work/data
# Settings of whoever calls are not for these processes.
unset DATABASE_URL RIOT_API_KEY RIOT_API_BASE_URL RIFTWATCH_CONFIG
processes=()

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "$(basename "$0"): $*"
    exit 1
}

build() {
    [ -n "${RIFTWATCH:-}" ] || cargo build --quiet -p riftwatch
    [ -x "$riftwatch" ] || fail "there is no program at $riftwatch"
}

# start NAME COMMAND…: in the background, its output in $work/NAME.log.
start() {
    local name=$1
    shift
    "$@" >"$work/$name.log" 2>&1 &
    processes+=("$!")
    printf '%s' "$!" >"$work/$name.pid"
}

# stop NAME [STATUS]: asks a process to stop and waits; it has to end with the status, 0.
stop() {
    local pid status=0
    pid=$(cat "$work/$1.pid")
    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" || status=$?
    [ "$status" = "${2:-0}" ] || fail "$1 ended with $status: $(tail -n 3 "$work/$1.log")"
}

# until_true SECONDS WHAT COMMAND…: tries a command until it succeeds.
until_true() {
    local seconds=$1 what=$2 deadline
    shift 2
    deadline=$((SECONDS + seconds))
    until "$@" >/dev/null 2>&1; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            tail -n 20 "$work"/*.log >&2 || true
            fail "$what: not within $seconds s"
        fi
        sleep 0.1
    done
}

# ready PORT: whether the process there says that it is ready.
ready() { curl -fsS "http://127.0.0.1:$1/health/ready"; }

# free_port: a port that nothing listens on now.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

sql() { psql -X -q -v ON_ERROR_STOP=1 -At "$DATABASE_URL" "$@"; }

# The private PostgreSQL, and its URL in DATABASE_URL for what is started after it.
start_database() {
    DATABASE_URL=$("$riftwatch" db start 2>>"$work/database.log")
    export DATABASE_URL
}

# A simulated Riot API, and where it is in the settings for what is started after it.
start_simulator() {
    local port
    port=$(free_port)
    start sim "$riftwatch" sim --bind "127.0.0.1:$port" "$@"
    until_true 30 "the simulator answers" curl -fsS "http://127.0.0.1:$port/sim/stats"
    simulator=http://127.0.0.1:$port
    export RIOT_API_BASE_URL="$simulator/{route}" RIOT_API_KEY=RGAPI-simulated
}

clean_up() {
    local status=$? pid
    trap - EXIT INT TERM
    for pid in "${processes[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in "${processes[@]}"; do wait "$pid" 2>/dev/null || true; done
    if [ -n "${DATABASE_URL:-}" ]; then
        env -u DATABASE_URL "$riftwatch" db stop >/dev/null 2>&1 || true
    fi
    if [ "$status" = 0 ]; then rm -rf "$work"; else say "what was written is in $work"; fi
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
