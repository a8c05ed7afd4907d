#!/usr/bin/env bash
# Walks the dashboard of the real program in a headless Chromium. Installs Chromium and Node.js by the
# system's package manager and the driver by npm, where they are missing. Arguments go to node --test,
# for example --test-name-pattern='two windows'.
set -euo pipefail
cd "$(dirname "$0")"

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

have_chromium() {
    [ -n "${CHROMIUM:-}" ] || [ -x /usr/bin/chromium ] || [ -x /usr/bin/chromium-browser ] || [ -x /usr/bin/google-chrome ]
}

missing=()
have_chromium || missing+=(chromium)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if [ "${#missing[@]}" -gt 0 ]; then
    echo "==> installing ${missing[*]}" >&2
    if command -v apt-get >/dev/null; then
        as_root apt-get update -q >&2
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" fonts-noto-cjk >&2
    elif command -v brew >/dev/null; then
        brew install -q "${missing[@]}" >&2
    else
        echo "please install ${missing[*]}, and set CHROMIUM to the browser" >&2
        exit 1
    fi
fi

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    echo "==> installing the driver (npm)" >&2
    npm ci --silent --no-audit --no-fund >&2
fi

(cd ../.. && cargo build --locked -q -p riftwatch)
exec node --test --test-reporter=spec "$@" suite.mjs
