"""Dialogues as lhotse cuts: the user's recording, the assistant's as `target_audio`, one supervision a segment.

Segment times are whole samples; they come back exactly. The audio is 16-bit FLAC below the folder of the manifest, or in its shards.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
from lhotse import CutSet, MonoCut, Recording, SupervisionSegment
from lhotse.audio import AudioSource

from parley.data.corpora.recorded import opened
from parley.data.shards.shar import FOLDER, ShardWriter, flac, read_shard, shards_of
from parley.dialogue import Dialogue, Kind, Segment, Speaker

MANIFEST = "cuts.jsonl"


def write(dialogues: Iterable[Dialogue], folder: Path, manifest: str = MANIFEST) -> Path:
    """Writes the audio below `folder` and one line a dialogue into its `manifest`, which appears only when it is complete."""
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"unfinished-{manifest}"
    with CutSet.open_writer(unfinished, overwrite=True) as writer:
        for dialogue in dialogues:
            writer.write(to_cut(dialogue, folder))
    return unfinished.replace(folder / manifest)


def write_shard(dialogues: Iterable[Dialogue], folder: Path, number: int) -> None:
    """Writes shard `number` below `folder`; it appears only when it is complete."""
    with ShardWriter(folder / FOLDER, number) as shard:
        for dialogue in dialogues:
            streams = {"recording": dialogue.environment, "target_audio": dialogue.assistant}
            shard.write(describe(dialogue), {field: flac(samples, dialogue.rate) for field, samples in streams.items()})


def to_cut(dialogue: Dialogue, folder: Path) -> MonoCut:
    """Writes the two recordings and describes them."""
    cut = describe(dialogue)
    assert cut.recording and cut.custom
    for recording, samples in ((cut.recording, dialogue.environment), (cut.custom["target_audio"], dialogue.assistant)):
        (folder / str(recording.sources[0].source)).write_bytes(flac(samples, dialogue.rate))
    return cut


def describe(dialogue: Dialogue) -> MonoCut:
    """The cut of `dialogue`, with its sound in files that are not written yet."""
    environment, assistant = (_recording(f"{dialogue.id}-{stream}", dialogue) for stream in ("user", "agent"))
    supervisions = [_to_supervision(f"{dialogue.id}-{i}", segment, dialogue) for i, segment in enumerate(dialogue.segments)]
    custom = {"target_audio": assistant}
    return MonoCut(dialogue.id, 0.0, environment.duration, channel=0, supervisions=supervisions, recording=environment, custom=custom)


def _recording(name: str, dialogue: Dialogue) -> Recording:
    samples = len(dialogue.environment)
    source = AudioSource(type="file", channels=[0], source=str(Path("audio") / f"{name}.flac"))
    return Recording(name, [source], sampling_rate=dialogue.rate, num_samples=samples, duration=samples / dialogue.rate)


def _to_supervision(name: str, segment: Segment, dialogue: Dialogue) -> SupervisionSegment:
    custom = {
        "kind": segment.kind.value,
        "voice": segment.voice,
        "interrupted": segment.interrupted,
        "pauses": [list(pause) for pause in segment.pauses],
        "keywords": list(segment.keywords),
    }
    start, duration = segment.start / dialogue.rate, (segment.end - segment.start) / dialogue.rate
    return SupervisionSegment(
        name, f"{dialogue.id}-user", start, duration, text=segment.text, language="en", speaker=segment.speaker.value, custom=custom
    )


def read_cuts(path: Path) -> Iterator[MonoCut]:
    """The cuts of a manifest, or of a folder with one or with shards; no audio is touched. Audio paths are made absolute."""
    for shard in shards_of(path):
        yield from read_shard(shard)
    if shards_of(path):
        return
    manifest = path / MANIFEST if path.is_dir() else path
    if not manifest.exists():
        raise ValueError(f"{manifest}: no such manifest; run parley data build first")
    for cut in CutSet.from_jsonl_lazy(manifest):
        if not cut.recording or "target_audio" not in (cut.custom or {}):
            raise ValueError(f"{manifest}: {cut.id} is no dialogue, without target_audio; `parley data convert` makes one of others")
        cut.recording = _below(cut.recording, manifest.parent)
        cut.custom["target_audio"] = _below(cut.custom["target_audio"], manifest.parent)
        yield cut


def _below(recording: Recording, folder: Path) -> Recording:
    sources = [replace(source, source=f"{folder / str(source.source)}") for source in recording.sources]
    return replace(recording, sources=sources)


def to_dialogue(cut: MonoCut) -> Dialogue:
    """Loads the audio of `cut`."""
    rate = cut.sampling_rate
    assert cut.recording and cut.custom, cut.id
    both = cut.recording, cut.custom["target_audio"]
    if len({recording.sampling_rate for recording in both}) > 1:
        rates = " and ".join(str(recording.sampling_rate) for recording in both)
        raise ValueError(f"{cut.id}: its two recordings have {rates} samples a second; `parley data convert` makes one rate of them")
    environment, assistant = map(_load, both)
    return Dialogue(cut.id, rate, environment, assistant, segments(cut))


def segments(cut: MonoCut) -> tuple[Segment, ...]:
    """Who says what and when, without loading audio."""
    return tuple(_to_segment(supervision, cut.sampling_rate) for supervision in cut.supervisions)


def _to_segment(supervision: SupervisionSegment, rate: int) -> Segment:
    custom = supervision.custom
    assert custom and supervision.text is not None, supervision.id
    start = round(supervision.start * rate)
    return Segment(
        Speaker(supervision.speaker),
        Kind(custom["kind"]),
        supervision.text,
        start,
        start + round(supervision.duration * rate),
        voice=custom["voice"],
        interrupted=custom["interrupted"],
        pauses=tuple((first, last) for first, last in custom["pauses"]),
        keywords=tuple(custom["keywords"]),
    )


def _load(recording: Recording) -> np.ndarray:
    """(samples,), float32."""
    samples, _ = soundfile.read(opened(Path(str(recording.sources[0].source))), dtype="float32")
    return samples


def read(path: Path) -> Iterator[Dialogue]:
    """The dialogues of a manifest, one after the other, each with its audio."""
    return map(to_dialogue, read_cuts(path))
