#!/bin/sh
# Build the container images with buildah if installed, else with docker: scripts/images.sh [NAME...]
# Environment: TAG and PREFIX (registry/path/) of the image names, BASE image, BUILD_FLAGS of the build command.
set -eu
cd "$(dirname "$0")/.."

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' segue/__init__.py)
tag=${TAG:-$version}
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
if command -v buildah >/dev/null; then build='buildah bud --layers'; else build='docker build'; fi

dockerfile() {
  case "$1" in
  pipeline) echo components/Dockerfile ;;
  *) echo "serving/$1/Dockerfile" ;;
  esac
}

[ "$#" -gt 0 ] || set -- predictor transformer gateway ui pipeline
for name in "$@"; do
  echo "building ${PREFIX:-}segue-$name:$tag"
  # shellcheck disable=SC2086 - words on purpose
  $build ${BUILD_FLAGS:-} ${BASE:+--build-arg "BASE=$BASE"} --quiet --file "$(dockerfile "$name")" \
    --label "org.opencontainers.image.version=$version" --label "org.opencontainers.image.revision=$revision" \
    --tag "${PREFIX:-}segue-$name:$tag" . >/dev/null
done
