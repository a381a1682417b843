#!/bin/sh
# Run a program with the secrets of this container: of each file whose name is a variable's, that variable.
set -eu
for file in "${SEGUE_SECRETS:-/run/secrets}"/*/[A-Z]*; do
  [ ! -f "$file" ] || export "${file##*/}=$(cat "$file")"
done
exec "$@"
