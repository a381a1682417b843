#!/usr/bin/env bash
# Kubernetes' API server and controllers into ~/go/bin, out of the Go module proxy, for `make cluster-test`.
# A quarter of an hour on two cores the first time. etcd comes from the distribution: apt-get install etcd-server.
set -euo pipefail
version=1.37.1
bin=$HOME/go/bin
[ -x "$bin/kube-apiserver" ] && [ -x "$bin/kube-controller-manager" ] && exit

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf 'module kube\ngo 1.26.0\n' >go.mod
go mod download "k8s.io/kubernetes@v$version"
# the module's own go.mod points its parts at folders that a module does not contain
{
  printf 'require k8s.io/kubernetes v%s\n' "$version"
  sed -n 's|^\t\(k8s\.io/[^ ]*\) => \./staging/.*|replace \1 => \1 v0.'"${version#*.}"'|p' \
    "$(go env GOMODCACHE)/k8s.io/kubernetes@v$version/go.mod"
} >>go.mod
said=k8s.io/component-base/version
flags="-s -w -X $said.gitVersion=v$version -X $said.gitMajor=1 -X $said.gitMinor=$(echo "$version" | cut -d. -f2)"
for program in kube-apiserver kube-controller-manager; do
  GOFLAGS=-mod=mod go build -ldflags "$flags" -o "$bin/$program" "k8s.io/kubernetes/cmd/$program"
done
