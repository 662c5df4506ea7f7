#!/bin/sh
# Makes the virtual environment: the locked packages, then Crossplay itself (editable).
set -eu
say() { printf '%s\n' "$*" >&2; }

"$PYTHON" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null || {
    say "Crossplay needs Python 3.11, 3.12 or 3.13; '$PYTHON' is $("$PYTHON" -V 2>&1 || echo missing)."
    say "Name another one: make setup PYTHON=python3.12"
    exit 1
}
if ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "python3-venv is missing; installing it with apt-get."
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
    else
        say "Python's venv module is missing. On Debian or Ubuntu: sudo apt-get install python3-venv"
        exit 1
    fi
fi
[ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV"
say "Installing the locked packages into $VENV ..."
if command -v uv >/dev/null; then
    uv pip install --quiet --python "$VENV/bin/python" --require-hashes -r requirements.lock
    uv pip install --quiet --python "$VENV/bin/python" --no-build-isolation --no-deps -e .
else
    "$VENV/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
    "$VENV/bin/python" -m pip install -qq --disable-pip-version-check --no-build-isolation --no-deps -e .
fi
