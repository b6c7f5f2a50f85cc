#!/usr/bin/env bash
# Sets up a fresh machine, then hunts the crash of examples/superslab and replays it: what lemming is for, in one go.
set -euo pipefail
cd "$(dirname "$0")/.."
./scripts/setup-system.sh
if [[ ! -x node_modules/.bin/node || package-lock.json -nt node_modules/.package-lock.json ]]; then
  npm ci --no-audit --no-fund
fi
export PATH="$PWD/node_modules/.bin:$PATH"
make --quiet -C examples/superslab

lemming() {
  printf '\n$ lemming %s\n' "$*"
  node src/cli/main.ts "$@"
}

# hunt ends with an exit code other than 0 when it has found a failure, which is what we want here.
if lemming hunt --runs 200 --env FAST_CAP=0 --env SS_DRAIN=current -- examples/superslab/build/larson 2 8 128 1024 1 12345 4; then
  echo 'demo: 200 seeds and no failure: please report this' >&2
  exit 1
fi
# The crash of the replayed program is the exit code of the replay.
lemming replay F1 </dev/null || true
