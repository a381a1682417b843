#!/bin/sh
# Create secrets with random values, for a trial with everything in the cluster: dev_secrets.sh NAMESPACE [RELEASE]
# Existing secrets are kept.
set -eu
namespace=${1:?is missing: dev_secrets.sh NAMESPACE [RELEASE]}
release=${2:-segue}

have() { kubectl --namespace "$namespace" get secret "$1" >/dev/null 2>&1; }
# only letters and digits, since the password becomes part of a URL
random() { LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c "$1"; }
make() {
  name=$1
  shift
  kubectl --namespace "$namespace" create secret generic "$name" "$@" >/dev/null
  echo "made secret $name in $namespace"
}

kubectl get namespace "$namespace" >/dev/null 2>&1 || kubectl create namespace "$namespace" >/dev/null
if ! have segue-s3; then
  # fully qualified, because the pipeline's steps run in another namespace
  make segue-s3 "--from-literal=endpoint=http://$release-minio.$namespace.svc:9000" --from-literal=region=us-east-1 \
    "--from-literal=access_key=$(random 20)" "--from-literal=secret_key=$(random 40)" --from-literal=secure=false
fi
if ! have segue-database; then
  password=$(random 32)
  make segue-database "--from-literal=password=$password" \
    "--from-literal=url=postgresql://segue:$password@$release-postgresql:5432/segue"
fi
if ! have segue-page; then
  id=$(LC_ALL=C tr -dc '0-9a-f' </dev/urandom | head -c 16)
  make segue-page "--from-literal=key=$id.$(random 43)"
fi
# Kubeflow Pipelines runs the steps in its own namespace, in a single-user installation
steps=${SEGUE_STEPS_NAMESPACE:-kubeflow}
if [ "$steps" != "$namespace" ] && kubectl get namespace "$steps" >/dev/null 2>&1 &&
  ! kubectl --namespace "$steps" get secret segue-s3 >/dev/null 2>&1; then
  kubectl --namespace "$namespace" get secret segue-s3 --output json |
    python3 -c 'import json, sys; s = json.load(sys.stdin); s["metadata"] = {"name": s["metadata"]["name"]}; json.dump(s, sys.stdout)' |
    kubectl --namespace "$steps" apply --filename - >/dev/null
  kubectl --namespace "$steps" create secret generic segue-mlflow \
    "--from-literal=tracking_uri=http://$release-mlflow.$namespace.svc:5000" >/dev/null
  echo "copied the store's and MLflow's secrets to $steps"
fi
