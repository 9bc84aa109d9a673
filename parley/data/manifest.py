"""Dialogues as lhotse cuts: the user's recording, the assistant's as `target_audio`, one supervision a segment.

Segment times are whole samples; they come back exactly. The audio is 16-bit FLAC below the folder of the manifest, or in its shards.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from lhotse import CutSet, MonoCut, Recording, SupervisionSegment
from lhotse.audio import AudioSource

from parley.data.corpora.recorded import Recorded, flac
from parley.data.shards.cuts import cuts_in, segments_of, target_of
from parley.data.shards.shar import FOLDER, ShardWriter, read_shard, shards_of
from parley.dialogue import Dialogue, Segment

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
    for cut in cuts_in(manifest):
        target = target_of(cut)
        if not (isinstance(cut, MonoCut) and cut.recording and cut.custom and target):
            raise ValueError(f"{manifest}: {cut.id} is no dialogue, without target_audio; `parley data convert` makes one of others")
        if cut.start or cut.num_samples != cut.recording.num_samples:
            raise ValueError(f"{manifest}: {cut.id} is a part of its recording; `parley data convert` makes a whole of it")
        cut.recording = _below(cut.recording, manifest.parent)
        cut.custom["target_audio"] = _below(target, manifest.parent)
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
    environment, assistant = (_load(recording, cut.id, channel) for recording, channel in zip(both, (cut.channel, 0)))
    return Dialogue(cut.id, rate, environment, assistant, segments(cut))


def file_name(name: str) -> str:
    """What the files of a dialogue are called: others' ids may be paths."""
    return re.sub(r"[^\w.-]", "_", name)


def check_rate(cut: MonoCut, rate: int) -> None:
    """ValueError where a dialogue is not at the rate that a model hears at."""
    if cut.sampling_rate != rate:
        raise ValueError(f"{cut.id}: is at {cut.sampling_rate} samples a second; `parley data convert` makes {rate} of it")


def segments(cut: MonoCut) -> tuple[Segment, ...]:
    """Who says what and when, without loading audio."""
    try:
        return tuple(segments_of(cut, cut.sampling_rate))
    except ValueError as error:
        raise ValueError(f"{cut.id}: {error}") from error


def _load(recording: Recording, name: str, channel: int) -> np.ndarray:
    """(samples,), float32, of the dialogue `name`."""
    source = next((source for source in recording.sources if channel in source.channels), recording.sources[0])
    file, place = Path(str(source.source)), source.channels.index(channel) if channel in source.channels else 0
    try:
        samples = Recorded(file, recording.sampling_rate, place)()
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    if len(samples) != recording.num_samples:
        raise ValueError(f"{name}: {file} has {len(samples)} samples, its manifest says {recording.num_samples}; copy or build it again")
    return samples


def read(path: Path) -> Iterator[Dialogue]:
    """The dialogues of a manifest, one after the other, each with its audio."""
    return map(to_dialogue, read_cuts(path))
