"""Recordings with their transcripts: LibriSpeech and GigaSpeech by lhotse's recipes, and any folder. The task is to say what was heard."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lhotse import CutSet, Recording, SupervisionSegment
from lhotse.recipes.gigaspeech import parse_utterance
from lhotse.recipes.librispeech import prepare_librispeech

from parley.data.corpora.entries import Failed
from parley.data.corpora.recorded import recordings
from parley.data.corpora.script import Clip, Script, agent, user

MARKS = {"<COMMA>": ",", "<PERIOD>": ".", "<QUESTIONMARK>": "?", "<EXCLAMATIONPOINT>": "!"}  # of GigaSpeech
NO_SPEECH = ("<SIL>", "<MUSIC>", "<NOISE>", "<OTHER>")


def librispeech(path: Path, part: str) -> Iterator[Script | Failed]:
    """The folder with `train-clean-100` and the like below it; `part` is one of them, "" all."""
    if not path.is_dir():
        raise ValueError(f"{path}: no such folder; give the one that holds train-clean-100 and the like")
    found = sorted(folder.name for folder in path.iterdir() if folder.is_dir() and next(folder.rglob("*.trans.txt"), None))
    if not found or part and part not in found:
        raise ValueError(f"{path}: holds no {part or 'part of LibriSpeech'}; found {', '.join(found) or 'no transcripts'}")
    for name in [part] if part else found:
        try:
            made: dict[str, Any] = prepare_librispeech(path, name)[name]
        except (AssertionError, KeyError) as error:
            raise ValueError(f"{path / name}: is not LibriSpeech as it is published ({str(error) or 'recordings are missing'})") from error
        said = {each.recording_id: each for each in made["supervisions"]}
        for recording in sorted(made["recordings"], key=lambda recording: recording.id):
            yield spoken(recording, said[recording.id])


def gigaspeech(path: Path, part: str) -> Iterator[Script | Failed]:
    """The manifests of `lhotse prepare gigaspeech`, or the corpus with its GigaSpeech.json; `part` is XS to XL, DEV or TEST, "" all."""
    manifests = sorted(path.glob(f"gigaspeech_cuts_{part or '*'}.jsonl*"))
    if manifests:
        for manifest in manifests:
            for cut in CutSet.from_jsonl_lazy(manifest):
                for each in sorted(cut.supervisions, key=lambda each: each.start):
                    yield spoken(cut.recording, each)
        return
    if not (path / "GigaSpeech.json").is_file():
        raise ValueError(f"{path}: holds neither GigaSpeech.json nor lhotse's gigaspeech_cuts_{part or '*'}.jsonl.gz")
    published = json.loads((path / "GigaSpeech.json").read_bytes())
    if not isinstance(published, dict) or "audios" not in published:
        raise ValueError(f"{path / 'GigaSpeech.json'}: has no audios; give the corpus as it is published")
    for audio in published["audios"]:
        if not part or f"{{{part}}}" in audio["subsets"]:  # of an audio's segments a subset may have some
            segments = [each for each in audio["segments"] if not part or f"{{{part}}}" in each.get("subsets", ())]
            recording, supervisions = parse_utterance({**audio, "segments": segments}, path) or (None, [])
            for each in supervisions:
                yield spoken(recording, each)


def spoken(recording: Recording | None, said: SupervisionSegment) -> Script | Failed:
    """What was said in a stretch of a recording, in lower case."""
    assert recording is not None, said.id
    words = [MARKS.get(word, word.lower()) for word in (said.text or "").split() if word not in NO_SPEECH]
    text = re.sub(r" (?=[,.?!])", "", " ".join(words))
    if not re.search(r"\w", text):
        return Failed(said.id, f"has no words: {said.text!r}")
    whole = said.start == 0 and abs(said.duration - recording.duration) < 0.001
    place = Clip(str(Path(str(recording.sources[0].source)).resolve()), *(() if whole else (said.start, said.duration)))
    return Script(said.id, "asr", (user(text, clip=place), agent(text)))


def folder(path: Path) -> Iterator[Script | Failed]:
    """Any folder of recordings, see `recordings`."""
    for text, file in recordings(path):
        name = file.relative_to(path.resolve()).with_suffix("").as_posix()
        yield Script(name, "asr", (user(text, clip=Clip(str(file))), agent(text))) if text else Failed(name, "its transcript is empty")
