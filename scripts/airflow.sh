#!/usr/bin/env bash
# Create a separate environment with Airflow and kfp, to test the DAG. Does nothing if it exists.
set -euo pipefail
cd "$(dirname "$0")/.."
home=.segue/airflow
[ -x "$home/bin/airflow" ] && exit
.venv/bin/python -m venv "$home"
.venv/bin/uv pip install --quiet --python "$home/bin/python" 'apache-airflow==3.3.2' 'kfp==2.17.0'
