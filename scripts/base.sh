#!/bin/sh
# Build a base image from Debian packages, where no registry can be reached: scripts/base.sh NAME. Needs root.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv bookworm "$folder/root" >/dev/null
rm -rf "$folder"/root/var/cache/apt/archives/*.deb "$folder"/root/var/lib/apt/lists/*
container=$(buildah from scratch)
buildah add --quiet "$container" "$folder/root" / >/dev/null
buildah commit --quiet --rm "$container" "$1" >/dev/null
