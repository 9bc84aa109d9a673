"""Question files with answers; a voice speaks the questions."""

from collections.abc import Iterator
from pathlib import Path

from parley.clock import Clock
from parley.data.corpora.entries import Failed, entries
from parley.data.corpora.questions import parse
from parley.data.corpora.recorded import audible
from parley.data.spoken.voice_text import voice_text
from parley.data.voices import Voice
from parley.dialogue import Kind, Segment, Speaker
from parley.eval.inputs.item import Item, Spoken
from parley.eval.metrics.words import normalised_words


def read_questions(path: Path, clock: Clock, voice: Voice) -> Iterator[Item | Failed]:
    """Every question is spoken once, which gives its times; the sound is made again where it is played."""
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
            environment = Spoken(voice_text(question.text), voice, clock.input_rate)
            heard = audible(environment())
        except ValueError as error:
            yield Failed(name, str(error))
            continue
        assert heard, name
        event = Segment(Speaker.USER, Kind.QUESTION, question.text, *heard, voice=str(voice))
        yield Item(name, question.task, clock.input_rate, environment, (event,), references)
