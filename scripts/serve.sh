#!/bin/sh
# Start the pair on this machine: predictor (REST 8082, gRPC 8081), transformer (REST 8080, gRPC 8083).
# Ctrl-C, or the end of either, stops both.
set -eu
cd "$(dirname "$0")/.."
bundle="${BUNDLE:-.segue/demo/channels/champion}"
python=.venv/bin/python

$python -m serving.predictor --bundle "$bundle" &
predictor=$!
$python -m serving.transformer --bundle "$bundle" --predictor_host 127.0.0.1:8081 &
transformer=$!
trap 'trap - INT TERM; kill $predictor $transformer 2>/dev/null || true; wait' INT TERM EXIT

ready() {
    $python - <<'PYTHON'
import sys, urllib.request
try:
    sys.exit(0 if urllib.request.urlopen("http://127.0.0.1:8080/v2/models/segue/ready", timeout=2).status == 200 else 1)
except OSError:
    sys.exit(1)
PYTHON
}
while ! ready; do
    kill -0 $predictor 2>/dev/null && kill -0 $transformer 2>/dev/null || exit 1
    sleep 1
done
echo "Ready: http://127.0.0.1:8080/v1/models/segue:predict  (Ctrl-C ends it)"
echo "  curl -s http://127.0.0.1:8080/v1/models/segue:predict -d '{\"instances\": [{\"seeds\": [{\"genre\": \"jazz\"}], \"k\": 5}]}'"
while kill -0 $predictor 2>/dev/null && kill -0 $transformer 2>/dev/null; do sleep 1; done
exit 1
