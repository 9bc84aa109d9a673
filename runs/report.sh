#!/usr/bin/env bash
# The committed report of a shipped model: measures it and writes docs/reports/NAME (report.json, report.md, its figures and outcomes; the
# worst failures, whose pictures and sounds are large, stay in WORK). Goes on when started again. make report, or runs/report.sh [NAME].
set -eu
NAME=${1:-tiny}
WORK=${WORK:-work/report/$NAME}
JOBS=${JOBS:-2}
export OMP_NUM_THREADS=1
PATH="$PWD/.venv/bin:$PATH"

beside() { parley eval "$1" --model "$NAME" --baseline "$2" "${@:4}" --out "$WORK/beside/$3" --jobs "$JOBS"; }
beside echo cascade cascade
beside echo cascade "cascade, 0.8 s to interrupt" --interruption-s 0.8
beside echo cascade_cancelled cascade_cancelled
beside turns cascade "cascade, 0.5 s of silence" --silence-s 0.5
beside turns cascade "cascade, 0.8 s of silence" --silence-s 0.8
parley eval all --model "$NAME" --out "$WORK" --jobs "$JOBS" --beside "$WORK/beside"

folder=docs/reports/$NAME
rm -rf "$folder"
mkdir -p "$folder/figures"
cp "$WORK/report.json" "$WORK/outcomes.jsonl.gz" "$folder/"
sed '/^## The worst failures$/,$d' "$WORK/report.md" > "$folder/report.md"
for figure in $(grep -o 'figures/[a-z_]*\.png' "$folder/report.md"); do cp "$WORK/$figure" "$folder/figures/"; done
du -sh "$folder"
