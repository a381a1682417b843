#!/usr/bin/env bash
# From nothing to a recommendation: a sample catalogue, the training pipeline, a list from its bundle.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH

home=.segue/demo
step() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }

step segue sample --rows 20000 --out "$home/data"
step python -m pipelines run --catalog "$home/data/catalog.csv" --interactions "$home/data/playlists.csv" \
  --store "$home" --workdir "$home/work"
seed=$(python -c 'import json, sys; print(json.load(open(sys.argv[1]))["example_seed"])' "$home/work/last.json")
step segue recommend "$home/channels/champion" --seed "$seed"
