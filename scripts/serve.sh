#!/bin/sh
# Start predictor (REST 8082, gRPC 8081) and transformer (REST 8080, gRPC 8083) on this machine.
# Both stop on Ctrl-C, or if one of them exits.
set -eu
cd "$(dirname "$0")/.."
exec .venv/bin/python -m serving.stack pair --bundle "${BUNDLE:-.segue/demo/channels/champion}"
