"""Recordings with their transcripts: LibriSpeech and GigaSpeech by lhotse's recipes, and any folder. The task is to say what was heard."""

import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from lhotse import CutSet, Recording, SupervisionSegment
from lhotse.audio.utils import AudioLoadingError
from lhotse.recipes.gigaspeech import parse_utterance as parse_audio
from lhotse.recipes.librispeech import parse_utterance

from parley.data.corpora.entries import Failed
from parley.data.corpora.recorded import recordings
from parley.data.corpora.script import Clip, Script, agent, user

MARKS = {"<COMMA>": ",", "<PERIOD>": ".", "<QUESTIONMARK>": "?", "<EXCLAMATIONPOINT>": "!"}  # of GigaSpeech
CHUNK = 1 << 20  # characters of GigaSpeech.json that are read at a time
LONGEST_ENTRY = 1 << 28
NO_SPEECH = ("<SIL>", "<MUSIC>", "<NOISE>", "<OTHER>")


def librispeech(path: Path, part: str) -> Iterator[Script | Failed]:
    """The folder with `train-clean-100` and the like below it; `part` is one of them, "" all."""
    if not path.is_dir():
        raise ValueError(f"{path}: no such folder; give the one that holds train-clean-100 and the like")
    found = sorted(folder.name for folder in path.iterdir() if folder.is_dir() and next(folder.rglob("*.trans.txt"), None))
    if not found or part and part not in found:
        raise ValueError(f"{path}: holds no {part or 'part of LibriSpeech'}; found {', '.join(found) or 'no transcripts'}")
    for name in [part] if part else found:
        for transcripts in sorted((path / name).rglob("*.trans.txt")):
            for line in transcripts.read_text(encoding="utf-8", errors="replace").splitlines():
                if line.strip():
                    yield uttered(path / name, line)


def uttered(part: Path, line: str) -> Script | Failed:
    """One line of a `.trans.txt` of LibriSpeech, with its recording."""
    name = line.split()[0]
    try:
        found = parse_utterance(part, line, {})
    except ValueError:
        return Failed(name, "has no words")
    except AudioLoadingError:
        return Failed(name, "its recording cannot be read as audio; copy it again")
    return spoken(*found) if found else Failed(name, f"its recording is missing in {part}; copy it again")


def gigaspeech(path: Path, part: str) -> Iterator[Script | Failed]:
    """The manifests of `lhotse prepare gigaspeech`, or the corpus with its GigaSpeech.json; `part` is XS to XL, DEV or TEST, "" all."""
    manifests = sorted(path.glob(f"gigaspeech_cuts_{part or '*'}.jsonl*"))
    if manifests:
        seen = set[str]()  # the larger subsets hold the smaller ones
        for cut in chain.from_iterable(map(CutSet.from_jsonl_lazy, manifests)):
            for each in sorted(cut.supervisions, key=lambda each: each.start):
                if each.id not in seen:
                    seen.add(each.id)
                    yield spoken(cut.recording, each.with_offset(cut.start))
        return
    if not (path / "GigaSpeech.json").is_file():
        raise ValueError(f"{path}: holds neither GigaSpeech.json nor lhotse's gigaspeech_cuts_{part or '*'}.jsonl.gz")
    for number, audio in enumerate(audios_in(path / "GigaSpeech.json"), 1):
        try:
            yield from heard_in(audio, path, part)
        except (KeyError, TypeError, AttributeError) as error:
            yield Failed(f"GigaSpeech.json:{number}", f"is no audio of GigaSpeech ({type(error).__name__}: {error})")


def heard_in(audio: dict[str, Any], path: Path, part: str) -> Iterator[Script | Failed]:
    """The segments of one audio of GigaSpeech.json that are in `part`: of an audio's segments a subset may have some."""
    if not part or f"{{{part}}}" in audio["subsets"]:
        segments = [each for each in audio["segments"] if not part or f"{{{part}}}" in each.get("subsets", ())]
        recording, supervisions = parse_audio({**audio, "segments": segments}, path) or (None, [])
        for each in supervisions:
            yield spoken(recording, each)


def audios_in(file: Path) -> Iterator[Any]:
    """The list `audios` of GigaSpeech.json entry by entry: the file has gigabytes, and is never held whole."""
    decoder, text, size = json.JSONDecoder(), "", CHUNK
    with file.open(encoding="utf-8") as opened:
        while not (begun := re.search(r'"audios"\s*:\s*\[', text)):
            if not (chunk := opened.read(CHUNK)):
                raise ValueError(f"{file}: has no audios; give the corpus as it is published")
            text = text[-100:] + chunk
        text = text[begun.end() :]
        while not (text := text.lstrip(", \t\r\n")).startswith("]"):
            try:
                entry, end = decoder.raw_decode(text)
            except ValueError as error:
                if not (chunk := opened.read(size)) or len(text) > LONGEST_ENTRY:
                    raise ValueError(f"{file}: cannot be read from where {text[:60]!r} stands ({error}); copy it again") from error
                text, size = text + chunk, 2 * size  # a long entry is not tried again at every chunk of it
                continue
            yield entry
            text, size = text[end:], CHUNK


def spoken(recording: Recording | None, said: SupervisionSegment) -> Script | Failed:
    """What was said in a stretch of a recording, in lower case."""
    assert recording is not None, said.id
    words = [MARKS.get(word, word.lower()) for word in (said.text or "").split() if word not in NO_SPEECH]
    text = re.sub(r" (?=[,.?!])", "", " ".join(words))
    if not re.search(r"\w", text):
        return Failed(said.id, f"has no words: {said.text!r}")
    whole = said.start == 0 and abs(said.duration - recording.duration) < 0.001
    try:
        place = Clip(str(Path(str(recording.sources[0].source)).resolve()), *(() if whole else (said.start, said.duration)))
    except ValueError as error:
        return Failed(said.id, str(error))
    return Script(said.id, "asr", (user(text, clip=place), agent(text)))


def folder(path: Path) -> Iterator[Script | Failed]:
    """Any folder of recordings, see `recordings`."""
    for text, file in recordings(path):
        name = file.relative_to(path.resolve()).with_suffix("").as_posix()
        yield Script(name, "asr", (user(text, clip=Clip(str(file))), agent(text))) if text else Failed(name, "its transcript is empty")
