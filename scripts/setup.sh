#!/usr/bin/env bash
# Create .venv with exactly the packages of requirements.lock and this checkout. Updates an existing one.
set -euo pipefail
cd "$(dirname "$0")/.."

uv_version=0.13.9
modern='import sys; sys.exit(sys.version_info < (3, 11))'

say() { printf '%s\n' "$*" >&2; }

# Runs a command behind a line that counts its seconds; where nobody sees the line change, it is printed once.
counting() {
  local text=$1 began=$SECONDS job
  shift
  if [ ! -t 2 ]; then
    say "$text"
    "$@"
    return
  fi
  "$@" &
  job=$!
  # Ctrl-C does not reach a command in the background of a script
  trap 'kill "$job" 2>/dev/null; printf "\n" >&2; exit 130' INT TERM
  while kill -0 "$job" 2>/dev/null; do
    printf '\r%s: %d s' "$text" "$((SECONDS - began))" >&2
    sleep 0.5
  done
  trap - INT TERM
  printf '\n' >&2
  wait "$job"
}

find_python() {
  local candidate
  for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11 python3.14; do
    if command -v "$candidate" >/dev/null && "$candidate" -c "$modern" 2>/dev/null; then
      printf '%s' "$candidate"
      return
    fi
  done
  say "Segue needs Python 3.11 or newer; python3 here is: $(python3 --version 2>&1 || true)."
  say "Install one, or name it: make setup PYTHON=/path/to/python3.11"
  return 1
}

if ! .venv/bin/python -c "$modern" 2>/dev/null; then
  python=$(find_python)
  say "Creating .venv with $("$python" --version)"
  rm -rf .venv
  if ! "$python" -m venv .venv; then
    rm -rf .venv
    say "$python can't make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv"
    exit 1
  fi
fi

if [ "$(.venv/bin/uv --version 2>/dev/null | cut -d' ' -f2)" != "$uv_version" ]; then
  counting "Installing uv $uv_version" \
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$uv_version"
fi

if [ "$(uname -m)" = aarch64 ] && ! command -v cc >/dev/null; then
  say "On arm64 one package is compiled, and there is no C compiler. On Debian and Ubuntu: apt-get install gcc python3-dev"
fi
export VIRTUAL_ENV=$PWD/.venv
counting "Installing the packages of requirements.lock, 1.9 GB" \
  .venv/bin/uv pip sync --quiet --require-hashes requirements.lock
# no build isolation: hatchling is in the lock, so nothing is fetched without a hash
.venv/bin/uv pip install --quiet --no-deps --no-build-isolation --editable .
if ! reason=$(.venv/bin/python -c 'import lightgbm' 2>&1); then
  say "LightGBM can't be loaded: $(printf '%s\n' "$reason" | tail -n 1)"
  say "It needs OpenMP. On macOS: brew install libomp; on Debian and Ubuntu: apt-get install libgomp1"
  exit 1
fi
touch .venv/.installed
