#!/usr/bin/env bash
# Build Kubernetes' API server and controllers from the Go module proxy into ~/go/bin, for `make cluster-test`.
# Takes 15 minutes on two cores; does nothing if they exist. etcd is a package: apt-get install etcd-server.
set -euo pipefail
version=1.37.1
bin=$HOME/go/bin
[ -x "$bin/kube-apiserver" ] && [ -x "$bin/kube-controller-manager" ] && exit

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf 'module kube\ngo 1.26.0\n' >go.mod
go mod download "k8s.io/kubernetes@v$version"
# k8s.io/kubernetes' go.mod replaces its parts by ./staging folders, which the published module lacks
{
  printf 'require k8s.io/kubernetes v%s\n' "$version"
  # a real tab, since the sed of macOS does not know \t
  sed -n 's|^'"$(printf '\t')"'\(k8s\.io/[^ ]*\) => \./staging/.*|replace \1 => \1 v0.'"${version#*.}"'|p' \
    "$(go env GOMODCACHE)/k8s.io/kubernetes@v$version/go.mod"
} >>go.mod
package=k8s.io/component-base/version
flags="-s -w -X $package.gitVersion=v$version -X $package.gitMajor=1 -X $package.gitMinor=$(echo "$version" | cut -d. -f2)"
for program in kube-apiserver kube-controller-manager; do
  GOFLAGS=-mod=mod go build -ldflags "$flags" -o "$bin/$program" "k8s.io/kubernetes/cmd/$program"
done
