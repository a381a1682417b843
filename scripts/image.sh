#!/bin/sh
# Build steps shared by the Dockerfiles. Packages are those of requirements.lock, verified by hash.
#   image.sh packages EXTRA…   create a virtual environment in /opt/segue with the packages of these extras
#   image.sh without PACKAGE…  remove packages from it that the image's process never imports
#   image.sh segue             install the segue package into it, built by the locked build backend
#   image.sh prepare [DEB…]    create an unprivileged user, install Debian packages
set -eu

venv=/opt/segue
tools=/opt/tools

case "$1" in
packages)
  shift
  # psutil, which KServe asks for, has no wheel for arm64 and is compiled; nothing of the compiler is shipped
  if [ "$(uname -m)" = aarch64 ] && ! command -v gcc >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends gcc libc6-dev >/dev/null
  fi
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check "uv==$(sed -n 's/^uv_version=//p' setup.sh)"
  python3 -m venv --without-pip "$venv"
  extras=''
  for extra in "$@"; do extras="$extras --extra $extra"; done
  # shellcheck disable=SC2086 - words on purpose
  "$tools/bin/uv" pip install --quiet --no-cache --python "$venv/bin/python" --require-hashes \
    --compile-bytecode --constraint requirements.lock --requirement pyproject.toml $extras
  # headers, the packages' tests and Arrow Flight are unused, and a fifth of the image
  for packages in "$venv"/lib/python*/site-packages; do
    rm -rf "$packages"/pyarrow/include "$packages"/pyarrow/*flight*.so*
    find "$packages" -mindepth 2 -maxdepth 4 -type d -name tests -prune -exec rm -rf {} +
  done
  ;;
without)
  shift
  "$tools/bin/uv" pip uninstall --quiet --python "$venv/bin/python" "$@"
  ;;
segue)
  # verified by hash too: hatchling and its dependencies are in the lock
  "$tools/bin/uv" pip install --quiet --no-cache --python "$tools/bin/python" --no-build \
    --constraint requirements.lock hatchling
  "$tools/bin/python" -m hatchling build --target wheel --directory /tmp/wheel
  "$tools/bin/uv" pip install --quiet --no-cache --python "$venv/bin/python" --no-deps --compile-bytecode \
    /tmp/wheel/*.whl
  ;;
prepare)
  shift
  if [ "$#" -gt 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
    rm -rf /var/lib/apt/lists/* /var/cache/apt/*
  fi
  groupadd --gid 10001 segue
  useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin segue
  ;;
*)
  echo "image.sh: expected packages, without, segue or prepare, got $1" >&2
  exit 1
  ;;
esac
