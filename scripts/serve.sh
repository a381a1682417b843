#!/bin/sh
# Start the pair on this machine: predictor (REST 8082, gRPC 8081), transformer (REST 8080, gRPC 8083).
# Ctrl-C, or the end of either, stops both.
set -eu
cd "$(dirname "$0")/.."
exec .venv/bin/python -m serving.stack pair --bundle "${BUNDLE:-.segue/demo/channels/champion}"
