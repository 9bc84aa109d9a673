#!/usr/bin/env bash
# The committed report of a shipped model: measures it and writes docs/reports/NAME (report.json, report.md, its figures and outcomes; the
# worst failures, whose pictures and sounds are large, stay in WORK). Goes on when started again. make report, or runs/report.sh [NAME].
set -eu
NAME=${1:-tiny}
WORK=${WORK:-work/report/$NAME}
JOBS=${JOBS:-2}
export OMP_NUM_THREADS=1
PATH="$PWD/.venv/bin:$PATH"

for arm in cascade cascade_cancelled; do
    parley eval echo --model "$NAME" --baseline "$arm" --out "$WORK/beside/$arm" --jobs "$JOBS"
done
parley eval all --model "$NAME" --out "$WORK" --jobs "$JOBS" --beside "$WORK/beside"

folder=docs/reports/$NAME
rm -rf "$folder"
mkdir -p "$folder/figures"
cp "$WORK/report.json" "$WORK/outcomes.jsonl.gz" "$folder/"
sed '/^## The worst failures$/,$d' "$WORK/report.md" > "$folder/report.md"
for figure in $(grep -o 'figures/[a-z_]*\.png' "$folder/report.md"); do cp "$WORK/$figure" "$folder/figures/"; done
du -sh "$folder"
