#!/usr/bin/env bash
# The README's two commands on an empty Debian with Rust alone: debootstrap makes the smallest
# Debian 12 there is, Rust comes from the toolchain of this machine, the repository is a clone of
# what is committed. Needs root and debootstrap, and some gigabytes in $TMPDIR.
#
#   deploy/fresh-machine.sh [--test]      without --test: `./run demo --for 60s --json` alone
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '==> %s\n' "$*" >&2; }
[ "$(id -u)" = 0 ] || { say "this needs root, for chroot"; exit 1; }
command -v debootstrap >/dev/null || { say "this needs debootstrap: apt-get install debootstrap"; exit 1; }

root=$(mktemp -d "${TMPDIR:-/tmp}/riftwatch-fresh-XXXXXX")
mounted=()
clean_up() {
    local status=$? at
    trap - EXIT
    for at in "${mounted[@]}"; do umount --recursive --lazy "$at" || true; done
    # Never through a mount that would not go: only what is on this file system.
    rm -rf --one-file-system "$root"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# It becomes the root of a system with several users.
chmod 755 "$root"

say "an empty Debian 12 in $root"
debootstrap --variant=minbase --include=ca-certificates bookworm "$root" >"$root.log"
rm "$root.log"
# The same sources, proxies and certificates as this machine has.
cp -a /etc/apt/sources.list* /etc/apt/apt.conf.d /etc/apt/keyrings "$root/etc/apt/" 2>/dev/null || true
cp -a /etc/ssl/certs "$root/etc/ssl/"
cp /etc/resolv.conf /etc/hosts "$root/etc/"
[ ! -e /etc/pip.conf ] || cp /etc/pip.conf "$root/etc/"
for at in proc dev; do
    mount --rbind "/$at" "$root/$at"
    mount --make-rslave "$root/$at"
    mounted=("$root/$at" "${mounted[@]}")
done

say "Rust, as rustup would have put it there"
mkdir -p "$root/opt/rust/bin" "$root/root/.cargo"
cp -a "$(rustc --print sysroot)/." "$root/opt/rust/"
for file in "${CARGO_HOME:-$HOME/.cargo}/config.toml" "$HOME/.npmrc" "$HOME/.config/pip"; do
    [ ! -e "$file" ] || cp -a --parents "$file" "$root/"
done

git clone --quiet --no-hardlinks . "$root/root/riftwatch"

inside() {
    # What the environment says of registries goes along; nothing else of it does.
    # shellcheck disable=SC2046
    env -i HOME=/root PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        $(env | grep -E '^(https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY|PIP_[A-Z_]*|CARGO_REGISTR[A-Z_]*|npm_config_[a-z_]*|NPM_CONFIG_[A-Z_]*|SSL_CERT_FILE|NODE_EXTRA_CA_CERTS)=' || true) \
        chroot "$root" /bin/sh -c "cd /root/riftwatch && $1"
}

began=$SECONDS
say "./run demo --for 60s --json"
inside "./run demo --for 60s --json"
say "the demo ended well, $((SECONDS - began)) s after its command was typed (60 s of them running)"
if [ "${1:-}" = --test ]; then
    began=$SECONDS
    say "./run test"
    inside "./run test"
    say "the tests passed in $((SECONDS - began)) s"
fi
