#!/usr/bin/env bash
# Installs what the tests and the examples compare with (compilers, gdb, Valgrind, strace), where it is missing.
# lemming itself needs none of it, only Node.
set -euo pipefail

declare -A package_of=(
  [gcc]=gcc [g++]=g++ [musl-gcc]=musl-tools [make]=make [gdb]=gdb [valgrind]=valgrind [strace]=strace [zstd]=zstd [python3]=python3
)
missing=()
for command in "${!package_of[@]}"; do
  command -v "$command" >/dev/null || missing+=("${package_of[$command]}")
done
if ((${#missing[@]} == 0)); then
  exit 0
fi

if ! command -v apt-get >/dev/null; then
  echo "setup-system: please install: ${missing[*]} (this script knows only apt-get)" >&2
  exit 1
fi
as_root=()
if ((EUID != 0)); then
  as_root=(sudo)
fi
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" libc6-dev
