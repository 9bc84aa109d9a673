"""What the model played to the items of Full-Duplex-Bench, in the files that its authors' own evaluation reads: copied over the benchmark's
folders they are found there.

The contract is that of `v1_v1.5/README.md` of DanielLin94144/Full-Duplex-Bench: one channel, on the clock of the input and as long.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from parley.audio import write_wav
from parley.eval.inputs.heard import played, sentence
from parley.eval.inputs.item import Item
from parley.eval.metrics.words import Word
from parley.eval.rollout import Trace


def write_outputs(folder: Path, item: Item, trace: Trace, clean: Trace | None, outcome: dict[str, Any]) -> None:
    """`folder/ID/output.wav` and `output.json`; for v1.5 `clean_output.wav` and `.json` too. Nothing where the `outcome` has no words."""
    if "words" not in outcome:
        return
    heard = outcome.get("words_after", outcome["words"])  # after an interruption theirs listens from its end
    write_output(folder / item.id, "output", item, trace, [Word(**word) for word in heard])
    if clean:
        write_output(folder / item.id, "clean_output", item, clean, [Word(**word) for word in outcome["clean_words"]])


def write_output(folder: Path, name: str, item: Item, trace: Trace, heard: Sequence[Word]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rate = trace.clock.output_rate
    write_wav(folder / f"{name}.wav", played(item, trace), rate)
    chunks = [{"text": word.text, "timestamp": [word.start_s, word.stop_s]} for word in heard]
    content = {"text": sentence(heard), "chunks": chunks}
    (folder / f"{name}.json").write_text(json.dumps(content))
