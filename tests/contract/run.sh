#!/usr/bin/env bash
# Does the server keep to its own description? Starts a simulated Riot API and a server with a database of its
# own and access control on; then schemathesis makes up requests, and a client that was generated from the
# description makes some. Everything is on loopback, and ends with this script.
#
#   tests/contract/run.sh [seconds of made-up requests, 100 unless given]
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${1:-100}
program=${RIFTWATCH:-target/debug/riftwatch}
tools=target/contract
work=$(mktemp -d)
# As root, the private database runs as another user, who has to get there.
chmod o+x "$work"
children=()

finish() {
    for child in "${children[@]}"; do
        kill "$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap finish EXIT

[ -x "$program" ] || cargo build --locked -p riftwatch
if ! [ -x "$tools/bin/schemathesis" ]; then
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --requirement tests/contract/requirements.txt
fi

# Waits until a log says where something answers.
address() {
    for _ in $(seq 600); do
        found=$(sed -n "s/.*$2 *http:\/\/\([0-9.:]*\).*/\1/p" "$1" | head -n 1)
        if [ -n "$found" ]; then
            echo "$found"
            return
        fi
        sleep 0.1
    done
    cat "$1" >&2
    return 1
}

# A free port, until somebody else takes it.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$program" sim --bind "127.0.0.1:$port" --limits none --players 300 --days 20 >"$work/sim.log" 2>&1 &
children+=($!)

export RIFTWATCH_DATA_DIR=$work/data AUTH_MODE=on API_RATE_LIMIT=0 RIOT_API_KEY=RGAPI-contract
export RIOT_API_BASE_URL="http://127.0.0.1:$port/{route}" LOG_FORMAT=text
"$program" serve --bind 127.0.0.1:0 >"$work/serve.log" 2>&1 &
children+=($!)
server=$(address "$work/serve.log" "the API answers on")
token=$("$program" token create --name contract --role admin 2>>"$work/token.log")

echo "schemathesis: $seconds s of requests"
# Streams of events never end, so nothing that waits for the end of an answer can ask for them.
(cd "$work" && "$OLDPWD/$tools/bin/schemathesis" run "http://$server/openapi.json" \
    --header "Authorization: Bearer $token" \
    --exclude-path-regex '/events$' \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
    --phases examples,coverage,fuzzing,stateful \
    --max-time "$seconds" --request-timeout 20 --continue-on-failure --seed 1 \
    --suppress-health-check all --warnings off --no-color)

echo "a generated client makes ten calls"
curl --silent --fail "http://$server/openapi.json" -o "$work/openapi.json"
PATH=$PWD/$tools/bin:$PATH "$tools/bin/openapi-python-client" generate --path "$work/openapi.json" --output-path "$work/client" \
    --meta none --fail-on-warning
PYTHONPATH=$work "$tools/bin/python" tests/contract/ten_calls.py "http://$server" "$token"

if grep -E ' ERROR |panicked' "$work/serve.log"; then
    echo "the server had something to say: see above" >&2
    exit 1
fi
