#!/bin/sh
# Measures native failure rates of every setting; prints a Markdown table.
#   ./rates.sh [RUNS [SECONDS MIN MAX CHUNKS ROUNDS]]      default: 200 runs of `larson 0.02 8 128 1024 1 SEED 4`
# A run fails by SIGSEGV, by not ending within 10 seconds ("hang"), or in another way.
cd "$(dirname "$0")" || exit 1
make -s larson || exit 1
runs=${1:-200}
[ $# -gt 0 ] && shift
[ $# -eq 5 ] || set -- 0.02 8 128 1024 1
ulimit -c 0
exec 2>/dev/null # the shell's own words on each crash

rate() { # FAST_CAP SS_DRAIN SS_SPILL ARGUMENTS: prints one row
    cap=$1 drain=$2 spill=$3
    shift 3
    segv=0 hang=0 other=0 seed=0
    while [ $seed -lt "$runs" ]; do
        seed=$((seed + 1))
        FAST_CAP=$cap SS_DRAIN=$drain SS_SPILL=$spill timeout 10 build/larson "$@" $seed 4 >/dev/null
        case $? in
        0) ;;
        139) segv=$((segv + 1)) ;;
        124) hang=$((hang + 1)) ;;
        *) other=$((other + 1)) ;;
        esac
    done
    echo "| $cap | $spill | $drain | $segv | $hang | $other |"
}

echo "$runs runs each of \`larson $* SEED 4\`:"
echo
echo "| FAST_CAP | SS_SPILL | SS_DRAIN | SIGSEGV | hang | other |"
echo "|---:|---|---|---:|---:|---:|"
for cap in 0 64; do
    for spill in foreign remote; do
        for drain in none current refill look current,look all refill,all all,look; do
            rate $cap $drain $spill "$@"
        done
    done
done
for cap in 8 16 24 32 48; do
    rate $cap none foreign "$@"
done
