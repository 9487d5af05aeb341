#!/usr/bin/env bash
# A virtual environment with everything the lock names, and the program in it. Safe to repeat.
set -euo pipefail
python="$1"
venv="$2"

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
