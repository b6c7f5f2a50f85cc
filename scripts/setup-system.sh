#!/usr/bin/env bash
# Installs what the tests and the examples compare with (compilers, gdb, Valgrind, strace), where it is missing.
# lemming itself needs none of it, only Node.
set -euo pipefail

declare -A package_of=(
  [gcc]=gcc [g++]=g++ [musl-gcc]=musl-tools [make]=make [gdb]=gdb [valgrind]=valgrind [strace]=strace [zstd]=zstd [python3]=python3
  [lua5.4]=lua5.4 [busybox]=busybox-static [sqlite3]=sqlite3 [jq]=jq [gawk]=gawk [bc]=bc [xz]=xz-utils [bzip2]=bzip2 [openssl]=openssl
)
missing=()
for command in "${!package_of[@]}"; do
  command -v "$command" >/dev/null || missing+=("${package_of[$command]}")
done
# Programs and libraries that tests run when they are there.
declare -A library_package=(
  [libjemalloc.so.2]=libjemalloc2 [libmimalloc.so.2.0]=libmimalloc2.0 [libtcmalloc_minimal.so.4]=libtcmalloc-minimal4
)
for library in "${!library_package[@]}"; do
  [[ -e /usr/lib/x86_64-linux-gnu/$library ]] || missing+=("${library_package[$library]}")
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
