#!/usr/bin/env bash
# Demo on this machine: sample data, the training pipeline, then predictor, transformer, gateway and web page.
# --detach returns once all is ready, and make stop stops it; --once requests one list and exits, for tests.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH

home=.segue/demo
step() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }

if [ -f "$home/channels/champion.json" ]; then
  printf 'Serving the bundle in %s; make clean removes it, to start again.\n' "$home"
else
  step segue sample --rows 20000 --out "$home/data" --no-hints
  step python -m pipelines run --catalog "$home/data/catalog.csv" --interactions "$home/data/playlists.csv" \
    --store "$home" --workdir "$home/work" --no-hints
  seed=$(python -c 'import json, sys; print(json.load(open(sys.argv[1]))["example_seed"])' "$home/work/last.json")
  step segue recommend "$home/channels/champion" --seed "$seed"
fi
printf '\n'
exec python -m serving.stack whole --bundle "$home/channels/champion" --home "$home/service" "$@"
