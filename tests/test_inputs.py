"""Evaluation inputs that anyone can bring: each published layout, made small, and everything that may be wrong with it."""

import gzip
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import soundfile
import soxr
from parrot import Parrot

from parley.clock import Clock
from parley.data import manifest
from parley.data.corpora.questions import parse
from parley.data.spoken.voice_text import voice_text
from parley.data.voices import Voice
from parley.dialogue import Dialogue, Kind, Segment, Speaker
from parley.eval.inputs import item as items
from parley.eval.inputs.cuts import reference
from parley.eval.inputs.item import LEAD_S, Item, scene_of, without_overlap
from parley.eval.inputs.read import Inputs, read_inputs
from parley.eval.rollout import rollout
from parley.runtime.engine import Engine

CLOCK = Clock()
RATE = CLOCK.input_rate
BLOCK = CLOCK.samples_in  # 1280
VOICE = Voice("espeak", "en-us+m8")


def sound(*stretches: tuple[float, float], seconds: float, rate: int = RATE) -> np.ndarray:
    """Noise of 0.3 in these stretches (start, end in seconds), else silence."""
    pcm, rng = np.zeros(round(seconds * rate), dtype=np.float32), np.random.default_rng(0)
    for start, end in stretches:
        first, last = round(start * rate), round(end * rate)
        pcm[first:last] = 0.3 * rng.choice([-1.0, 1.0], last - first)
    return pcm


def wav(path: Path, pcm: np.ndarray, rate: int = RATE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, pcm, rate, subtype="PCM_16")
    return path


def put(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def read(path: Path, limit: int | None = None) -> Inputs:
    return read_inputs(path, CLOCK, VOICE, limit)


def only(path: Path) -> Item:
    inputs = read(path)
    assert not inputs.failed and len(inputs.items) == 1, inputs
    return inputs.items[0]


def words(*timed: tuple[str, float, float], speaker: int = 0) -> dict[str, Any]:
    return {"speaker": speaker, "item": [{"text": text, "timestamp": [start, end]} for text, start, end in timed]}


# ---- Full-Duplex-Bench -------------------------------------------------------------------------------------------------------


def paused(root: Path, name: str = "1", subset: str = "candor_pause_handling") -> Path:
    """0.6 s at 48 kHz, as Candor's: words from 0.1 to 0.5 s, a pause from 0.2 to 0.3 s."""
    folder = root / subset / name
    wav(folder / "input.wav", sound((0.1, 0.2), (0.3, 0.5), seconds=0.6, rate=48000), 48000)
    put(folder / "pause.json", [{"text": "[PAUSE]", "timestamp": [0.2, 0.3]}])
    put(folder / "transcription.json", [words(("i", 0.1, 0.2), ("think", 0.3, 0.5))])
    return folder


def interrupted(root: Path) -> Path:
    """0.8 s: the context is heard from 0.1 to 0.2 s, the interruption is annotated from 0.5 to 0.7 s."""
    folder = root / "synthetic_user_interruption" / "1"
    wav(folder / "input.wav", sound((0.1, 0.2), (0.52, 0.68), seconds=0.8))
    wav(folder / "context.wav", sound((0.1, 0.2), seconds=0.25))
    wav(folder / "interrupt.wav", sound((0.02, 0.18), seconds=0.2))
    put(folder / "interrupt.json", [{"context": "Any books?", "interrupt": "Stop.", "timestamp": [0.5, 0.7]}])
    return folder


def overlapped(root: Path, subset: str = "user_interruption", name: str = "1") -> Path:
    """The same in v1.5, with its clean recording."""
    folder = root / subset / name
    wav(folder / "input.wav", sound((0.1, 0.2), (0.52, 0.68), seconds=0.8))
    wav(folder / "clean_input.wav", sound((0.1, 0.2), seconds=0.8))
    put(folder / "metadata.json", {"context_text": "Any books?", "current_turn_text": "Mhm.", "timestamps": [0.5, 0.7]})
    return folder


def test_a_pause_is_a_pause_inside_the_question(tmp_path: Path):
    paused(tmp_path)
    item = only(tmp_path)
    assert (item.id, item.task, item.references, item.open_end) == ("candor_pause_handling/1", "candor_pause_handling", (), False)
    # samples at 16 kHz: 0.1 s is 1600, 0.2 s 3200, 0.3 s 4800, 0.5 s 8000
    assert item.events == (Segment(Speaker.USER, Kind.QUESTION, "i think", 1600, 8000, pauses=((3200, 4800),)),)


def test_sound_comes_at_the_rate_of_the_clock_and_only_when_asked_for(tmp_path: Path):
    folder = paused(tmp_path)
    item = pickle.loads(pickle.dumps(only(tmp_path)))  # as it goes to another process
    pcm = item.environment()
    original, _ = soundfile.read(folder / "input.wav", dtype="float32")
    assert pcm.dtype == np.float32 and len(pcm) == 9600  # 0.6 s
    assert np.array_equal(pcm, soxr.resample(original, 48000, RATE))
    (folder / "input.wav").write_bytes(b"gone")
    with pytest.raises(ValueError, match="cannot be read as audio any more"):
        item.environment()


def test_without_a_transcription_the_whole_recording_is_the_question(tmp_path: Path):
    (paused(tmp_path, subset="synthetic_pause_handling") / "transcription.json").unlink()
    assert only(tmp_path).events == (Segment(Speaker.USER, Kind.QUESTION, "", 0, 9600, pauses=((3200, 4800),)),)


def test_a_turn_ends_where_the_other_speaker_took_over(tmp_path: Path):
    folder = tmp_path / "candor_turn_taking" / "7"
    wav(folder / "input.wav", sound((0.0, 0.4), seconds=1.0))
    put(folder / "turn_taking.json", [{"text": "[TURN-TAKING]", "timestamp": [0.4, 0.5]}])
    mine, other = words(("is", 0.0, 0.1), ("it", 0.1, 0.4)), words(("well", 0.4, 0.5), ("i", 0.5, 0.6), ("did", 0.6, 0.9), speaker=1)
    put(folder / "transcription.json", [other, mine])
    assert only(tmp_path).events == (Segment(Speaker.USER, Kind.QUESTION, "is it", 0, 6400),)  # 0.4 s, and nothing of the other


def test_the_user_of_a_backchannel_item_says_most_of_the_words(tmp_path: Path):
    folder = tmp_path / "icc_backchannel" / "0"
    wav(folder / "input.wav", sound((0.0, 0.9), seconds=1.0))
    put(folder / "transcription.json", [words(("mhm", 0.3, 0.4)), words(("so", 0.05, 0.2), ("then", 0.2, 1.3), speaker=1)])
    assert only(tmp_path).events == (Segment(Speaker.USER, Kind.QUESTION, "so then", 800, 16000),)  # the last word ends with the recording


def test_an_interruption_comes_with_the_question_that_is_heard_before_it(tmp_path: Path):
    interrupted(tmp_path)
    question, interruption = only(tmp_path).events
    assert question == Segment(Speaker.USER, Kind.QUESTION, "Any books?", 1600, 3200)
    assert interruption == Segment(Speaker.USER, Kind.INTERRUPTION, "Stop.", 8000, 11200)  # as annotated: 0.5 and 0.7 s


@pytest.mark.parametrize(
    ("subset", "speaker", "kind"),
    [
        ("user_interruption", Speaker.USER, Kind.INTERRUPTION),
        ("user_backchannel", Speaker.USER, Kind.BACKCHANNEL),
        ("talking_to_other", Speaker.USER, Kind.CHAT),
        ("background_speech", Speaker.OTHER, Kind.CHAT),
    ],
)
def test_who_says_what_into_the_answer(subset: str, speaker: Speaker, kind: Kind, tmp_path: Path):
    overlapped(tmp_path, subset)
    item = only(tmp_path)
    assert item.task == subset and item.events[1] == Segment(speaker, kind, "Mhm.", 8000, 11200)
    clean = without_overlap(item)
    assert clean.id == f"{subset}/1/clean" and clean.events == item.events[:1]
    assert np.abs(clean.environment()[8000:]).max() == 0.0 < np.abs(item.environment()[8000:]).max()


def test_sub_sets_are_found_below_versions_and_by_themselves_in_the_order_of_their_numbers(tmp_path: Path):
    for name in ("10", "9"):
        paused(tmp_path / "v1_0", name)
    overlapped(tmp_path / "v1_5")
    (tmp_path / "__MACOSX" / "user_interruption" / "1").mkdir(parents=True)
    ids = [item.id for item in read(tmp_path).items]
    assert ids == ["v1_0/candor_pause_handling/9", "v1_0/candor_pause_handling/10", "v1_5/user_interruption/1"]
    assert [item.id for item in read(tmp_path / "v1_5/user_interruption").items] == ["user_interruption/1"]
    assert [item.id for item in read(tmp_path, limit=1).items] == ids[:1]


def cut_short(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


BROKEN: dict[str, tuple[Callable[[Path], Path], Callable[[Path], Any], str]] = {
    "no recording": (paused, lambda folder: (folder / "input.wav").unlink(), "input.wav: no such file"),
    "no annotation": (paused, lambda folder: (folder / "pause.json").unlink(), "pause.json is missing"),
    "no clean recording": (overlapped, lambda folder: (folder / "clean_input.wav").unlink(), "clean_input.wav: no such file"),
    "no metadata": (overlapped, lambda folder: (folder / "metadata.json").unlink(), "metadata.json is missing"),
    "truncated recording": (paused, lambda folder: cut_short(folder / "input.wav"), "truncated"),
    "no audio": (paused, lambda folder: (folder / "input.wav").write_text("a letter" * 99), "cannot be read as audio"),
    "no samples": (paused, lambda folder: wav(folder / "input.wav", np.zeros(0)), "holds no samples"),
    "no JSON": (paused, lambda folder: (folder / "pause.json").write_text("[{"), "pause.json cannot be read"),
    "other JSON": (paused, lambda folder: put(folder / "pause.json", {"pause": 1}), "not as Full-Duplex-Bench v1 writes it"),
    "no times": (paused, lambda folder: put(folder / "pause.json", [{"timestamp": ["a", None]}]), "the pause lies at ['a', None]"),
    "a pause after the end": (paused, lambda folder: put(folder / "pause.json", [{"timestamp": [0.5, 0.7]}]), "recording of 0.60 s"),
    "a word without an end": (
        paused,
        lambda folder: put(folder / "transcription.json", [{"speaker": 0, "item": [{"text": "i", "timestamp": [0.1, None]}]}]),
        "transcription.json holds the word",
    ),
    "no words": (paused, lambda folder: put(folder / "transcription.json", []), "holds no word before 0.60 s"),
    "words without speakers": (paused, lambda folder: put(folder / "transcription.json", ["i"]), "not as Full-Duplex-Bench v1 writes it"),
    "differently long": (
        overlapped,
        lambda folder: wav(folder / "clean_input.wav", sound(seconds=0.7)),
        "clean_input.wav lasts 0.70 s, but should last 0.80 s",
    ),
    "an interruption of another length": (
        interrupted,
        lambda folder: wav(folder / "interrupt.wav", sound(seconds=0.4)),
        "interrupt.wav lasts 0.40 s, but should last 0.20 s",
    ),
    "an overlap that ends before it starts": (
        overlapped,
        lambda folder: put(folder / "metadata.json", {"context_text": "", "current_turn_text": "", "timestamps": [0.7, 0.5]}),
        "the overlap lies at [0.7, 0.5]",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_bad_folder_is_reported_and_the_rest_is_read(case: str, tmp_path: Path):
    make, spoil, says = BROKEN[case]
    spoil(make(tmp_path))
    paused(tmp_path, "2")
    inputs = read(tmp_path)
    assert [item.id for item in inputs.items] == ["candor_pause_handling/2"]
    assert len(inputs.failed) == 1 and says in inputs.failed[0].reason, inputs.failed
    assert inputs.failed[0].id.endswith("/1") and "\n" not in inputs.failed[0].reason


def test_what_is_equally_long_but_for_rounding_is_not_differently_long(tmp_path: Path):
    wav(overlapped(tmp_path) / "clean_input.wav", sound((0.1, 0.2), seconds=0.78))  # 20 ms, as the benchmark's own files
    only(tmp_path)


# ---- lhotse manifests --------------------------------------------------------------------------------------------------------


def dialogue() -> Dialogue:
    segments = (
        Segment(Speaker.USER, Kind.QUESTION, "what is it", 1600, 4801, voice="v", pauses=((2000, 2400),), keywords=("tea",)),
        Segment(Speaker.AGENT, Kind.ANSWER, "it is tea", 6400, 9600, interrupted=True),
        Segment(Speaker.OTHER, Kind.CHAT, "hello", 8000, 9000),
    )
    return Dialogue("d1", RATE, sound((0.1, 0.3), seconds=1.0), sound((0.4, 0.6), seconds=1.0), segments)


@pytest.mark.parametrize("zipped", [False, True])
def test_this_projects_manifest_comes_back_exactly(zipped: bool, tmp_path: Path):
    path = manifest.write([dialogue()], tmp_path)
    if zipped:
        (tmp_path / "cuts.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    item = only(tmp_path)
    assert (item.id, item.task, item.references, item.open_end) == ("d1", "manifest", ("it is tea",), True)
    assert item.events == dialogue().segments
    assert np.abs(item.environment() - dialogue().environment).max() < 1e-4  # 16 bits


def supervision(name: str, speaker: str | None, start: float, end: float, channel: int = 0) -> dict[str, Any]:
    return {
        "id": name,
        "recording_id": "r",
        "start": start,
        "duration": round(end - start, 6),
        "channel": channel,
        "text": name,
        "speaker": speaker,
    }


def cut(*supervisions: dict[str, Any], name: str = "a", channels: int = 1, start: float = 0.0, duration: float = 1.0) -> dict[str, Any]:
    """Of a recording of 1.5 s at 8 kHz."""
    every = list(range(channels))
    source = {"type": "file", "channels": every, "source": "r.wav"}
    recording = {"id": "r", "sources": [source], "sampling_rate": 8000, "num_samples": 12000, "duration": 1.5, "channel_ids": every}
    plain = {"id": name, "start": start, "duration": duration, "channel": 0 if channels == 1 else every, "type": "MonoCut"}
    return plain | {"supervisions": list(supervisions), "recording": recording} | ({} if channels == 1 else {"type": "MultiCut"})


def cuts(folder: Path, *lines: dict[str, Any] | str, channels: int = 1) -> Path:
    left = sound((0.5, 1.0), seconds=1.5, rate=8000)
    wav(folder / "r.wav", left if channels == 1 else np.stack([left, np.zeros_like(left)], axis=1), 8000)
    path = folder / "mine.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n")
    return path


def test_a_plain_cut_is_a_stretch_of_its_recording(tmp_path: Path):
    """A cut from 0.4 to 1.4 s: noise is heard from 0.1 to 0.6 s of it. The first to speak is the user."""
    item = only(cuts(tmp_path, cut(supervision("hello", "bob", 0.3, 0.4), supervision("question", "ann", 0.1, 0.6), start=0.4)))
    assert item.events == (
        Segment(Speaker.USER, Kind.QUESTION, "question", 1600, 9600),
        Segment(Speaker.OTHER, Kind.CHAT, "hello", 4800, 6400),
    )
    pcm = item.environment()
    assert len(pcm) == 16000
    assert np.abs(pcm[:1000]).max() < 0.01 < np.abs(pcm[2000:9000]).max() and np.abs(pcm[10500:]).max() < 0.01


def test_the_reference_is_what_answers_the_last_that_was_asked():
    asked = Segment(Speaker.USER, Kind.QUESTION, "tell me a story", 0, 10)
    cut_off = Segment(Speaker.AGENT, Kind.ANSWER, "Once upon a time.", 20, 50, interrupted=True)
    stop = Segment(Speaker.USER, Kind.INTERRUPTION, "what is red", 40, 50)
    answer = Segment(Speaker.AGENT, Kind.ANSWER, "Blood is red.", 60, 70)
    assert reference((asked, cut_off)) == ("Once upon a time.",)
    assert reference((asked, cut_off, stop, answer)) == ("Blood is red.",) and reference((asked, cut_off, stop)) == ()


def test_user_and_agent_on_two_channels(tmp_path: Path):
    hello, answer = supervision("hello", "Agent", 0.0, 0.2, 0), supervision("answer", "Agent", 0.7, 0.9, 0)
    item = only(cuts(tmp_path, cut(hello, supervision("question", "User", 0.4, 0.6, 1), answer, channels=2), channels=2))
    assert [(event.speaker, event.kind) for event in item.events] == [
        (Speaker.AGENT, Kind.ANSWER),
        (Speaker.USER, Kind.QUESTION),
        (Speaker.AGENT, Kind.ANSWER),
    ]
    assert item.references == ("answer",)  # to the last question, not what was said before it
    assert not item.environment().any()  # the user's channel is the silent one


GOOD = cut(supervision("q", "user", 0.1, 0.5), name="good")
BAD_CUTS: dict[str, tuple[dict[str, Any] | str, str]] = {
    "overlapping": (
        cut(supervision("q1", "user", 0.1, 0.5), supervision("q2", "user", 0.4, 0.8)),
        "supervisions q1 and q2 overlap, both by user",
    ),
    "out of range": (cut(supervision("q", "user", 0.5, 1.2)), "supervision q lies at [0.5, 1.2]"),
    "before the start": (cut(supervision("q", "user", -0.2, 0.2)), "supervision q lies at [-0.2, 0.2]"),
    "no speaker": (cut(supervision("q", None, 0.1, 0.5)), "supervision q has no speaker"),
    "a cut beyond its file": (cut(supervision("q", "user", 0.1, 0.5), start=0.8), "the cut ends at 1.80 s"),
    "agent in the user's channel": (cut(supervision("q", "user", 0.1, 0.3), supervision("a", "agent", 0.5, 0.9)), "target_audio"),
    "a channel that the file has not": (cut(supervision("q", "user", 0.1, 0.5, 1), channels=2), "1 channel(s)"),
    "a channel that the recording has not": (GOOD | {"id": "a", "channel": 3}, "no channel 3"),
    "an unknown kind": (cut(supervision("q", "user", 0.1, 0.5) | {"custom": {"kind": "song"}}), "of the kind 'song'"),
    "no recording": ({key: value for key, value in cut().items() if key != "recording"}, "without one recording"),
    "no cut": ({"id": "a", "type": "MonoCut", "recording": 3}, "is no lhotse cut"),
    "no JSON": ("{", "is not JSON"),
    "no object": ("[1]", "need a JSON object"),
}


@pytest.mark.parametrize("case", BAD_CUTS)
def test_a_bad_cut_is_reported_and_the_rest_is_read(case: str, tmp_path: Path):
    line, says = BAD_CUTS[case]
    inputs = read(cuts(tmp_path, line, GOOD))
    assert [item.id for item in inputs.items] == ["good"]
    assert len(inputs.failed) == 1 and says in inputs.failed[0].reason, inputs.failed
    assert inputs.failed[0].id == ("mine.jsonl:1" if isinstance(line, str) else "a")


def test_no_command_of_a_manifest_is_run(tmp_path: Path):
    line = json.dumps(cut(supervision("q", "user", 0.1, 0.5))).replace('"file"', '"command"').replace("r.wav", f"touch {tmp_path}/run")
    inputs = read(cuts(tmp_path, line, GOOD))
    assert "is a command, which is not run" in inputs.failed[0].reason and not (tmp_path / "run").exists()


def test_a_missing_recording_and_a_second_item_of_the_same_id(tmp_path: Path):
    missing = json.dumps(GOOD | {"id": "missing"}).replace("r.wav", "s.wav")
    inputs = read(cuts(tmp_path, GOOD, missing, GOOD))
    assert [item.id for item in inputs.items] == ["good"]
    assert [(each.id, each.reason.split(";")[0].split(": ")[-1]) for each in inputs.failed] == [
        ("missing", "no such file"),
        ("good", "an item before it has the same id"),
    ]


def test_a_manifest_that_breaks_off_is_read_so_far(tmp_path: Path):
    lines = "".join(json.dumps(GOOD | {"id": f"{i}", "custom": {"n": i**99}}) + "\n" for i in range(400)).encode()
    cuts(tmp_path, GOOD)
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(lines)[:-2000])
    inputs = read(tmp_path / "cut.jsonl.gz")
    assert inputs.items[0].id == "0" and len(inputs.items) < 400
    assert len(inputs.failed) == 1 and inputs.failed[0].reason.startswith("the file cannot be read from here on")


# ---- question files ----------------------------------------------------------------------------------------------------------

Row = dict[str, Any]
WEB: Row = {
    "url": "http://www.freebase.com/view/en/justin_bieber",
    "targetValue": '(list (description "Jazmyn Bieber") (description "The \\"J\\"") (description Jaxon))',
    "utterance": "who is his sister?",
}
TRIVIA: Row = {
    "Answer": {"Aliases": ["Park Grove", "Sunset Blvd"], "NormalizedAliases": ["sunset blvd"], "Type": "Free", "Value": "Sunset Blvd"},
    "Question": "Which musical opened in 1993?",
    "QuestionId": "tc_2",
    "QuestionSource": "http://www.triviacountry.com/",
}
ALPACA: Row = {"dataset": "helpful_base", "instruction": "Name two actors.", "output": "Streep and Jackman.", "generator": "gpt"}
FORMATS: list[tuple[Row, str, str, tuple[str, ...]]] = [
    (WEB, "web_questions", "who is his sister?", ("Jazmyn Bieber", 'The "J"', "Jaxon")),
    ({"url": "", "question": "where?", "answers": ["Rome", "Italy"]}, "web_questions", "where?", ("Rome", "Italy")),
    ({"question": "where?", "answers": "Rome; Italy", "audio_filename": "0.mp3"}, "web_questions", "where?", ("Rome", "Italy")),
    (TRIVIA, "trivia_qa", "Which musical opened in 1993?", ("Sunset Blvd", "Park Grove", "sunset blvd")),
    ({"question": "who?", "answer": {"value": "Ann", "aliases": ["Anne"]}}, "trivia_qa", "who?", ("Ann", "Anne")),
    (
        {"question": "who?", "answer_normalized_value": "ann", "answer_normalized_aliases": "anne, ann", "audio_filename": "1.mp3"},
        "trivia_qa",
        "who?",
        ("ann", "anne"),
    ),
    ({"Questions": " Capital? ", "Answer": "Paris", "Wav Filename": "1.wav"}, "llama_questions", "Capital?", ("Paris",)),
    ({"question": "How many?", "answer": 7}, "llama_questions", "How many?", ("7",)),
    (ALPACA, "alpaca_eval", "Name two actors.", ("Streep and Jackman.",)),
    ({"instruction": "Name two actors."}, "alpaca_eval", "Name two actors.", ()),
]


@pytest.mark.parametrize("row", range(len(FORMATS)))
def test_a_row_of_each_published_format(row: int):
    entry, task, text, references = FORMATS[row]
    question = parse(entry)
    assert (question.task, question.text, question.references) == (task, text, references)


FILES: dict[str, str] = {
    "web.json": json.dumps([WEB]),
    "trivia.json": json.dumps({"Data": [TRIVIA], "Domain": "Web", "Version": 1.0}),
    "llama.csv": "\ufeffQuestions,Answer,audio_filename\r\nWhat is the capital of France?,Paris,1.mp3\r\n",
    "llama.tsv": 'Questions\tAnswer\tWav Filename\nWho painted the "Mona Lisa"?\tLeonardo da Vinci\t1.wav\n',
    "llama.jsonl": '{"question": "What is the capital of France?", "answer": "Paris"}\n\n',
    "lines.json": '{"question": "where?", "answers": ["Rome"]}\n',
    "alpaca.json": json.dumps([ALPACA]),
}


@pytest.mark.parametrize("name", FILES)
def test_a_question_file_is_spoken(name: str, tmp_path: Path):
    (tmp_path / name).write_text(FILES[name], newline="")
    item = only(tmp_path / name)
    assert item.id == ("tc_2" if name == "trivia.json" else f"{name}:1") and item.open_end and item.references
    (question,), pcm = item.events, item.environment()
    assert (question.speaker, question.kind, question.voice) == (Speaker.USER, Kind.QUESTION, str(VOICE))
    assert question.text[0] in "WwN" and question.text[-1] in "?."  # as written, not as it was given to the voice
    lead = round(LEAD_S * RATE)
    assert not pcm[:lead].any() and lead <= question.start < question.end <= len(pcm)
    assert np.abs(pcm[question.start]) > 0.004 > np.abs(pcm[question.end :]).max(initial=0.0)  # 1% of the voices' peak of 0.4
    assert np.array_equal(item.environment(), pcm)


def test_a_recorded_question_is_played_and_not_spoken(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """As a file beside the table, in a folder there, as bytes in a table; at another rate, in two channels. One that is named and is not
    there is spoken, and one that is silent fails."""
    sound = np.zeros((24000, 2), np.float32)
    sound[6000:18000, 0] = 0.3  # 0.25 to 0.75 s
    (tmp_path / "audios").mkdir()
    for name in ("1.wav", "audios/2.wav"):
        soundfile.write(tmp_path / name, sound, 24000)
    soundfile.write(tmp_path / "3.wav", np.zeros(8000), 8000)
    rows = [{"Questions": "where?", "Answer": "Rome", "audio_filename": f"{number}.wav"} for number in (1, 2, 3, 4)]
    rows[1]["Questions"] = "?"  # no voice could say it
    rows.append({"question": "who?", "answer": "Ann", "audio": "x" * 5000})
    inputs = read(put(tmp_path / "q.json", rows))
    *played, spoken, other = inputs.items
    table = pyarrow.Table.from_pylist([{"prompt": "where?", "audio": {"bytes": (tmp_path / "1.wav").read_bytes(), "path": "x.wav"}}])
    pyarrow.parquet.write_table(table, tmp_path / "q.parquet")
    held = only(tmp_path / "q.parquet")
    for item in (*played, held):
        (question,), pcm = item.events, item.environment()
        assert question.text in ("where?", "?") and question.voice == "" and len(pcm) == round((LEAD_S + 1.0) * RATE)
        assert abs(question.start - (LEAD_S + 0.25) * RATE) < 160 and abs(question.end - (LEAD_S + 0.75) * RATE) < 160
        assert scene_of(item, Clock())
    assert (held.task, held.references) == ("alpaca_eval", ()) and len(played) == 2 and len(repr(held)) < 1000
    assert spoken.events[0].voice == other.events[0].voice == str(VOICE)
    assert "2 recordings that it names do not lie beside it" in caplog.text
    assert [(each.id, each.reason) for each in inputs.failed] == [("q.json:3", "its recording is silent")]


def test_a_question_that_is_said_another_way_when_it_is_played_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "llama.jsonl").write_text(FILES["llama.jsonl"])
    item = only(tmp_path / "llama.jsonl")
    assert scene_of(item, Clock())
    monkeypatch.setattr(items, "speak", lambda text, voice: 0.3 * np.ones(RATE, np.float32))
    with pytest.raises(ValueError, match="says it another way each time"):
        scene_of(item, Clock())


def test_questions_at_another_rate(tmp_path: Path):
    path = put(tmp_path / "q.json", [{"question": "where?", "answer": "Rome"}])
    (item,) = read_inputs(path, Clock(input_rate=24000), VOICE).items
    (usual,) = read(path).items
    assert item.rate == 24000 and abs(len(item.environment()) - 1.5 * len(usual.environment())) <= 2
    assert abs(item.events[0].end - 1.5 * usual.events[0].end) < 240  # 10 ms: the filter rings


BAD_ROWS: dict[str, tuple[Any, str]] = {
    "no references": ({"question": "where?", "answers": []}, "no reference answer"),
    "empty references": ({"question": "where?", "answers": ["", "  "]}, "no reference answer"),
    "no value": ({"Question": "who?", "Answer": {"Value": None, "Aliases": None}}, "no reference answer"),
    "an empty output": (ALPACA | {"output": ""}, "no reference answer"),
    "an empty answer": ({"question": "where?", "answer": None}, "no reference answer"),
    "a list without descriptions": (WEB | {"targetValue": "(list)"}, "no reference answer"),
    "no question": ({"question": " ", "answer": "Rome"}, "need its words"),
    "no word in an answer": ({"question": "what?", "answer": "[noise]"}, "no word is left of its references, [noise]"),
    "a question that is no text": ({"question": 3, "answer": "Rome"}, "need its words"),
    "nothing to say": ({"question": "?!", "answer": "Rome"}, "no words that a voice could say"),
    "another format": ({"prompt": "x", "label": "y"}, "is no question of a known format: it has prompt, label"),
    "no object": ("where?", "need a JSON object"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_question_is_reported_and_the_rest_is_read(case: str, tmp_path: Path):
    row, says = BAD_ROWS[case]
    inputs = read(put(tmp_path / "q.json", [row, {"question": "where?", "answer": "Rome"}]))
    assert [item.id for item in inputs.items] == ["q.json:2"]
    assert [each.id for each in inputs.failed] == ["q.json:1"] and says in inputs.failed[0].reason


def test_a_table_with_a_short_row_and_one_in_another_encoding(tmp_path: Path):
    path = tmp_path / "q.csv"
    path.write_bytes(b"question,answer\nwhere?,Rome\nwho?\n" + b"x" * 99_000 + b"\xff,y\n")
    inputs = read(path)
    assert [item.id for item in inputs.items] == ["q.csv:1"]
    assert [each.id for each in inputs.failed] == ["q.csv:2", "q.csv:3"]
    assert "no reference answer" in inputs.failed[0].reason
    assert inputs.failed[1].reason.startswith("the file cannot be read from here on ('utf-8' codec can't decode")


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Who was killed in 41 AD?", "who was killed in forty one AD?"),
        ("In 1905, 1900, 1994 or 2012?", "in nineteen oh five, nineteen hundred, nineteen ninety four or twenty twelve?"),
        ("the year 2005, the 1960s, the 20s", "the year two thousand five, the nineteen sixties, the twenties"),
        ("The 1st, 12th, 21st and 30th", "the first, twelfth, twenty first and thirtieth"),
        ("1,234,567 or 3.14?", "one million two hundred thirty four thousand five hundred sixty seven or three point one four?"),
        ("007 is 10% of $5 million & $1.", "zero zero seven is ten percent of five million dollars and one dollar."),
        ("What is 2 + 2 =", "what is two plus two equals"),
        ("NASA’s U.S. base — “Apollo” (1961–72)", "NASA's U.S. base, apollo nineteen sixty one to seventy two"),
        ("WHO WROTE\n\nHAMLET?", "who wrote hamlet?"),
        ("What is 8 - 3 or 12 / 4?", "what is eight minus three or twelve divided by four?"),
        ("5 × 6, 2^3", "five times six, two to the power of three"),
        ("-5 to 1.5-2 km, COVID-19", "minus five to one point five to two km, COVID nineteen"),
    ],
)
def test_what_a_voice_is_given(text: str, spoken: str):
    assert voice_text(text) == spoken


# ---- paths, and playing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder / "nowhere", "no such file or folder"),
        (lambda folder: folder, "no items in it"),
        (lambda folder: wav(folder / "a.wav", sound(seconds=0.1)), "its name ends in '.wav'"),
        (lambda folder: put(folder / "a.json", []), "no items in it"),
        (lambda folder: put(folder / "a.json", [{"x": 1}, {"x": 2}]), "2 items, none can be read, the first (a.json:1)"),
        (lambda folder: (paused(folder) / "input.wav").unlink() or folder, "1 items, none can be read"),
    ],
)
def test_a_path_with_nothing_to_play_says_what_is_understood(make: Callable[[Path], Path], says: str, tmp_path: Path):
    with pytest.raises(ValueError) as caught:
        read(make(tmp_path))
    message = str(caught.value)
    assert says in message and "\n" not in message
    for layout in ("candor_pause_handling", "background_speech", "lhotse", "WebQuestions", "TriviaQA", "Llama Questions", "AlpacaEval"):
        assert layout in message


def test_a_voice_that_is_not_there_is_said(tmp_path: Path):
    path = put(tmp_path / "q.json", [{"question": "where?", "answer": "Rome"}])
    with pytest.raises(ValueError, match="there is no engine 'parrot'"):
        read_inputs(path, CLOCK, Voice("parrot", "polly"))


def test_a_recording_of_fixed_length_is_played_as_it_is(tmp_path: Path):
    overlapped(tmp_path)
    item = only(tmp_path)
    (trace,) = rollout(Engine(Parrot(), 1), [scene_of(item, CLOCK, echo=0.1)])
    assert trace.segments == item.events  # times in the recording, whatever the model did
    assert len(trace.environment) == 10 * BLOCK  # 0.8 s are exactly 10 blocks of 80 ms
    assert np.array_equal(trace.environment, item.environment())
    # sound until 0.2 s, which is in block 2; blocks 3, 4, 5 are quiet, and at the end of block 5 the parrot answers
    assert [answer.shift for answer in trace.answers] == [6 * BLOCK]


def test_a_recording_is_filled_up_to_a_whole_block(tmp_path: Path):
    item = only(paused(tmp_path).parent)
    scene = scene_of(item, CLOCK)
    assert len(scene.background) == 8 * BLOCK  # 9600 samples are 7.5 blocks
    assert np.array_equal(scene.background[:9600], item.environment()) and not scene.background[9600:].any()
    (trace,) = rollout(Engine(Parrot(), 1), [scene])
    assert trace.segments == item.events and len(trace.environment) == 8 * BLOCK


def test_an_open_end_waits_for_the_answer(tmp_path: Path):
    """A question until 0.3 s in 1.0 s: the agent's reference is not heard, a third person's chat is only announced."""
    manifest.write([dialogue()], tmp_path)
    item = only(tmp_path)
    (trace,) = rollout(Engine(Parrot(), 1), [scene_of(item, CLOCK)])
    assert trace.segments == tuple(event for event in item.events if event.speaker != Speaker.AGENT)
    # sound until 0.3 s, in block 3; quiet are 4, 5, 6, and the shift comes at the end of block 6; the answer is over 28 blocks later
    (answer,) = trace.answers
    assert (answer.shift, answer.back) == (7 * BLOCK, 35 * BLOCK) and answer.text == "all is well here"
    # the row ends at the first block that begins 3 s after the recording: (1.0 + 3.0) s / 80 ms = 50 blocks
    assert len(trace.environment) == 50 * BLOCK and not trace.environment[16000:].any()


def test_a_spoken_question_is_answered_in_one_row_with_others(tmp_path: Path):
    rows = [{"question": f"what is number {i}?", "answer": "one"} for i in range(3)]
    items = read(put(tmp_path / "q.json", rows)).items
    traces = {trace.id: trace for trace in rollout(Engine(Parrot(), 2), (scene_of(item, CLOCK) for item in items))}
    assert sorted(traces) == ["q.json:1", "q.json:2", "q.json:3"]
    for item in items:
        assert traces[item.id].segments == item.events and traces[item.id].answers[-1].shift > item.events[0].end
