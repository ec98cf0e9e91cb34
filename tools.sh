#!/bin/sh
# Installs what the build needs from the system, or says exactly what to install.
set -eu

missing=""
command -v c++ >/dev/null 2>&1 || missing="$missing g++"
command -v verilator_bin >/dev/null 2>&1 && command -v verilator >/dev/null 2>&1 || missing="$missing verilator"
command -v cargo >/dev/null 2>&1 || {
    echo "error: cargo is not on the PATH" >&2
    echo " help: install Rust with rustup, then open a new shell" >&2
    exit 1
}
[ -z "$missing" ] && exit 0

root=""
if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then root="sudo"; else root="none"; fi
fi
if [ "$root" = none ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "error: these system packages are missing:$missing" >&2
    echo " help: run 'apt-get install$missing' as root (Debian 12), then this command again" >&2
    exit 1
fi
echo "installing$missing"
$root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
# shellcheck disable=SC2086 # the list is to be split
$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
