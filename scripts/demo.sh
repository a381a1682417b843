#!/usr/bin/env bash
# From nothing to a page: a sample catalogue, the training pipeline, then pair, gateway and page on this machine.
# --once brings all of it up, takes one list through it, and ends: for tests.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH

home=.segue/demo
step() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }

if [ -f "$home/channels/champion.json" ]; then
  printf 'Serving the bundle that is in %s; make clean removes it, for a new start.\n' "$home"
else
  step segue sample --rows 20000 --out "$home/data"
  step python -m pipelines run --catalog "$home/data/catalog.csv" --interactions "$home/data/playlists.csv" \
    --store "$home" --workdir "$home/work"
  seed=$(python -c 'import json, sys; print(json.load(open(sys.argv[1]))["example_seed"])' "$home/work/last.json")
  step segue recommend "$home/channels/champion" --seed "$seed"
fi
printf '\n'
exec python -m serving.stack whole --bundle "$home/channels/champion" --home "$home/service" "$@"
