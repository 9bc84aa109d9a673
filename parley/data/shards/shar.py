"""lhotse Shar: `cuts.000000.jsonl.gz`, and beside it the sound of its cuts in `recording.000000.tar` and `target_audio.000000.tar`.

The same cuts give the same bytes. A shard is there as soon as its cuts are, which are written last.
"""

import gzip
import json
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from lhotse import MonoCut, MultiCut, Recording
from lhotse.audio import AudioSource
from lhotse.shar.utils import to_shar_placeholder

from parley.data.corpora.entries import Failed, json_lines
from parley.data.shards.cuts import target_of, to_cut

FIELDS = ("recording", "target_audio")
LONGEST_ID = 95  # bytes: with ".flac" or ".json", the longest name in a plain tar archive
FOLDER = "shar"  # lhotse takes every file of a folder for a part of its shards, so they have one of their own


def shard_path(folder: Path, number: int, field: str = "cuts") -> Path:
    return folder / f"{field}.{number:06d}.{'jsonl.gz' if field == 'cuts' else 'tar'}"


class ShardWriter:
    """One shard, which appears when all of it is written.

    with ShardWriter(folder, 0) as shard:
        shard.write(cut, {"recording": flac_bytes, "target_audio": flac_bytes})
    """

    def __init__(self, folder: Path, number: int) -> None:
        self.folder, self.number, self.lines = folder, number, list[str]()

    def _part(self, field: str) -> Path:
        """In the folder above, where lhotse does not look."""
        return self.folder.parent / f"unfinished-{shard_path(self.folder, self.number, field).name}"

    def __enter__(self) -> "ShardWriter":
        self.folder.mkdir(parents=True, exist_ok=True)
        self.archives = {field: tarfile.open(self._part(field), "w", format=tarfile.USTAR_FORMAT) for field in FIELDS}
        return self

    def write(self, cut: MonoCut, sounds: dict[str, bytes]) -> None:
        """`sounds`: the FLAC of both fields. The recordings that `cut` describes are taken from them."""
        assert cut.recording and cut.custom, cut.id
        if len(cut.id.encode()) > LONGEST_ID:
            raise ValueError(f"{cut.id}: an id in a shard has at most {LONGEST_ID} bytes; give it a shorter one")
        described = {"recording": cut.recording, "target_audio": cut.custom["target_audio"]}
        for field, archive in self.archives.items():
            described[field] = to_shar_placeholder(described[field])
            _add(archive, f"{cut.id}.flac", sounds[field])
            _add(archive, f"{cut.id}.json", f"{json.dumps(described[field].to_dict())}\n".encode())
        entry = cut.to_dict()
        entry["recording"] = described["recording"].to_dict()
        entry["custom"] = {**entry["custom"], "target_audio": described["target_audio"].to_dict()}
        self.lines.append(json.dumps(entry, ensure_ascii=False) + "\n")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for archive in self.archives.values():
            archive.close()
        if kind is None:
            self._part("cuts").write_bytes(gzip.compress("".join(self.lines).encode(), mtime=0))
            for field in (*FIELDS, "cuts"):
                self._part(field).replace(shard_path(self.folder, self.number, field))


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, BytesIO(content))


def shards_of(path: Path) -> list[Path]:
    """The files with the cuts in `path`, which is a folder of shards or the one above it; none where it is something else."""
    return next((found for folder in (path, path / FOLDER) if (found := sorted(folder.glob("cuts.*.jsonl*")))), [])


def read_shard(cuts: Path) -> Iterator[MonoCut]:
    """The cuts of one shard. Their sound stays in its archives, and is found there as in any file. ValueError for one without it."""
    for cut in cuts_of_shard(cuts):
        if isinstance(cut, Failed):
            raise ValueError(f"{cuts}: {cut.id}: {cut.reason}")
        yield cut


def cuts_of_shard(cuts: Path) -> Iterator[MonoCut | Failed]:
    """As `read_shard`, with what cannot be used in its place."""
    try:
        fields = {field: _members(cuts, field) for field in FIELDS}
    except ValueError as error:
        yield Failed(cuts.name, str(error))
        return
    for number, entry in enumerate(json_lines(cuts), 1):
        if isinstance(entry, Failed):
            yield entry
            continue
        try:
            yield _found(to_cut(entry), fields)
        except ValueError as error:
            yield Failed(str(entry.get("id", f"{cuts.name}:{number}")), str(error))


def _found(cut: MonoCut | MultiCut, fields: dict[str, dict[str, str]]) -> MonoCut:
    target = target_of(cut)
    if not (isinstance(cut, MonoCut) and cut.recording and cut.custom and target):
        raise ValueError("is no dialogue; need a MonoCut with target_audio")
    cut.recording = _inside(cut.recording, fields["recording"].get(cut.id))
    cut.custom["target_audio"] = _inside(target, fields["target_audio"].get(cut.id))
    return cut


def _members(cuts: Path, field: str) -> dict[str, str]:
    """By the id of a cut where its sound lies: `archive.tar#offset+size`."""
    archive = cuts.with_name(cuts.name.replace("cuts", field, 1).split(".jsonl")[0] + ".tar").resolve()
    try:
        with tarfile.open(archive) as file:
            found = [member for member in file if not member.name.endswith((".json", ".nodata", ".nometa"))]
    except (OSError, tarfile.TarError) as error:
        raise ValueError(f"{archive}: cannot be read ({error}); build or copy this shard again") from error
    return {member.name.rpartition(".")[0]: f"{archive}#{member.offset_data}+{member.size}" for member in found}


def _inside(recording: Recording, place: str | None) -> Recording:
    if place is None:
        raise ValueError("its shard holds no sound of it; build or copy this shard again")
    source = AudioSource(type="file", channels=recording.channel_ids or [0], source=place)
    recording.sources = [source]
    return recording
