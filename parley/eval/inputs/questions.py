"""Question files with answers; a voice speaks the questions that have no recording."""

import logging
from collections.abc import Callable, Iterator
from hashlib import sha256
from os.path import isfile  # false too for what is no name of a file
from pathlib import Path
from typing import Any

import numpy as np

from parley.clock import Clock
from parley.data.corpora.entries import Failed, entries
from parley.data.corpora.published import recorded_in
from parley.data.corpora.questions import parse
from parley.data.corpora.recorded import Held, Recorded, audible
from parley.data.spoken.voice_text import voice_text
from parley.data.voices import Voice
from parley.dialogue import Kind, Segment, Speaker
from parley.eval.inputs.item import Item, Played, Spoken
from parley.eval.metrics.words import normalised_words

logger = logging.getLogger(__name__)

AUDIO = ("audio", "audio_filename", "Wav Filename", "question_audio")  # columns with a recording, as its bytes, samples or file ...
FOLDERS = ("", "audios", "audio", "wavs")  # ... which lies in one of these, beside the table


def read_questions(path: Path, clock: Clock, voice: Voice) -> Iterator[Item | Failed]:
    """Every question is heard once, which gives its times; the sound is made again where it is played."""
    missing = 0
    for number, entry in enumerate(entries(path), 1):
        if isinstance(entry, Failed):
            yield entry
            continue
        name = f"{path.name}:{number}"
        try:
            question = parse(entry)
            name = question.id or name
            references = tuple(reference for reference in question.references if normalised_words(reference))
            if question.references and not references:
                raise ValueError(f"no word is left of its references, {', '.join(question.references)}")
            named = [sound for column in AUDIO if (sound := entry.get(column))]
            found = recording(named[0], path.parent, clock.input_rate) if named else None
            missing += bool(named) and found is None
            environment: Callable[[], np.ndarray]
            environment = Played(found) if found else Spoken(voice_text(question.text), voice, clock.input_rate)
            heard = audible(environment())
            if heard is None:
                raise ValueError("its recording is silent")
        except ValueError as error:
            yield Failed(name, str(error))
            continue
        event = Segment(Speaker.USER, Kind.QUESTION, question.text, *heard, voice="" if found else str(voice))
        yield Item(name, question.task, clock.input_rate, environment, (event,), references)
    if missing:
        logger.warning(f"{path}: {missing} recordings that it names do not lie beside it; {voice} speaks these questions")


def recording(sound: Any, folder: Path, rate: int) -> Recorded | Held | None:
    """What a column holds: the name of a file beside the table, or what `recorded_in` reads; None where that is not there."""
    match sound:
        case str(name) | {"path": str(name), "bytes": None}:
            file = next((file for place in FOLDERS if isfile(file := folder / place / name)), None)
            return Recorded(file.resolve(), rate) if file else None
        case _:
            content = recorded_in(sound)
            return Held(content, sha256(content).hexdigest()[:24], rate) if content else None
