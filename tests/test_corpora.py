"""Published corpora become scripts: each format on a small file of its kind, and what is wrong in one is named and left out."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from parley.data.build import BuildConfig, build
from parley.data.corpora import transcribed
from parley.data.corpora.entries import Failed
from parley.data.corpora.questions import parse
from parley.data.corpora.read import Corpus, distinct, read_corpus, write_scripts
from parley.data.corpora.recorded import recording_of
from parley.data.corpora.script import Clip, Script, Turn, agent, from_line, read_scripts, to_line, user
from parley.data.shards.check import check
from parley.dialogue import Kind, Speaker

RATE = 16000


def tone(seconds: float, rate: int = RATE) -> np.ndarray:
    return (0.3 * np.sin(np.arange(round(seconds * rate)) / 9)).astype(np.float32)


def put(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def found(corpus: Corpus, path: Path, context: bool = False, rounds: int = 1, part: str = "") -> list[Script | Failed]:
    return list(read_corpus(corpus, path, path.parent / "audio", context, rounds, part))


def said(corpus: Corpus, path: Path, context: bool = False, rounds: int = 1) -> list[list[str]]:
    """The texts of the scripts; nothing may fail."""
    scripts = found(corpus, path, context, rounds)
    assert all(isinstance(script, Script) for script in scripts), scripts
    return [[turn.text for turn in script.turns] for script in scripts if isinstance(script, Script)]


def test_alpaca(tmp_path: Path):
    rows = [
        {"instruction": "Name a color.", "input": "", "output": "Red."},
        {"instruction": "Add these.", "input": "one and two", "output": "Three."},
    ]
    path = put(tmp_path / "alpaca_data.json", rows)
    assert said(Corpus.ALPACA, path) == [["Name a color.", "Red."], ["Add these.\none and two", "Three."]]


def test_web_questions_and_trivia_qa(tmp_path: Path):
    web = {"url": "x", "targetValue": '(list (description "Jazmyn Bieber"))', "utterance": "who is his sister?"}
    assert said(Corpus.WEB_QUESTIONS, put(tmp_path / "w.json", [web])) == [["who is his sister?", "Jazmyn Bieber"]]
    row = {"Answer": {"Value": "Sunset Blvd", "Aliases": ["Park"], "NormalizedAliases": []}, "Question": "Which?", "QuestionId": "tc_2"}
    (script,) = found(Corpus.TRIVIA_QA, put(tmp_path / "t.json", {"Data": [row], "Version": 1.0}))
    assert isinstance(script, Script) and script.id == "tc_2" and script.references == ("Sunset Blvd", "Park")
    assert script.turns == (user("Which?", ("sunset", "blvd")), agent("Sunset Blvd"))


@pytest.mark.parametrize(
    ("written", "answers"),
    [
        ("Jazz;Blues", ("Jazz", "Blues")),
        ("['Jazz', \"Rock 'n' roll\"]", ("Jazz", "Rock 'n' roll")),  # a list, as pandas saves it in a table
        ("[sic] Jazz", ("[sic] Jazz",)),
    ],
)
def test_answers_of_a_table_are_a_list_or_divided_by_semicolons(written: str, answers: tuple[str, ...]):
    assert parse({"question": "what did he play?", "answers": written}).references == answers


def squad(question: str, answers: list[str], name: str = "56be") -> dict[str, Any]:
    listed = [{"text": text, "answer_start": 3} for text in answers]
    asked = {"id": name, "question": question, "answers": listed, "is_impossible": False}
    return {"version": "1.1", "data": [{"title": "Normans", "paragraphs": [{"context": "Normandy is in France.", "qas": [asked]}]}]}


def test_an_answer_that_trivia_qa_withholds_is_none(tmp_path: Path):
    answer = {"aliases": [], "normalized_aliases": [], "matched_wiki_entity_name": "", "type": "", "value": "<unk>", "normalized_value": ""}
    row = {"question": "Which?", "question_id": "tc_1", "question_source": "http://x", "answer": answer}
    (failed,) = found(Corpus.TRIVIA_QA, put(tmp_path / "t.jsonl", json.dumps(row)))
    assert isinstance(failed, Failed) and "there is no reference answer" in failed.reason


def test_json_that_is_broken_off_is_one_failure_unless_its_lines_are_objects(tmp_path: Path):
    rows = [{"instruction": f"Say {number}.", "input": "", "output": "So."} for number in range(3)]
    for indent in (None, 2):
        (failed,) = found(Corpus.ALPACA, put(tmp_path / "a.json", json.dumps(rows, indent=indent)[:-20]))
        assert isinstance(failed, Failed) and failed.id == "a.json:1" and "the file cannot be read from here on" in failed.reason
    lines = "".join(f"\n{json.dumps(row)}" for row in rows)
    *scripts, failed = found(Corpus.ALPACA, put(tmp_path / "a.json", lines[:-5]))
    assert len(scripts) == 2 and isinstance(failed, Failed) and failed.id == "a.json:4" and "is not JSON" in failed.reason


def test_squad_with_and_without_its_context(tmp_path: Path):
    path = put(tmp_path / "train-v1.1.json", squad("Where is Normandy?", ["France", "in France"]))
    assert said(Corpus.SQUAD, path) == [["Where is Normandy?", "France"]]
    assert said(Corpus.SQUAD, path, context=True) == [["Normandy is in France.\nWhere is Normandy?", "France"]]
    row = {"id": "1", "title": "N", "context": "c", "question": "Where?", "answers": {"text": ["here"], "answer_start": [1]}}
    assert said(Corpus.SQUAD, put(tmp_path / "rows.jsonl", json.dumps(row) + "\n")) == [["Where?", "here"]]
    bad = squad("Who?", [])
    (good,) = squad("How?", ["so"])["data"][0]["paragraphs"][0]["qas"]
    bad["data"][0]["paragraphs"][0]["qas"] += [{"id": "none", "question": "Why?"}, good]
    failed, broken, script = found(Corpus.SQUAD, put(tmp_path / "dev-v2.0.json", bad))
    assert failed == Failed("56be", "there is no answer to it") and isinstance(script, Script)
    assert isinstance(broken, Failed) and broken.id == "none" and "no question of SQuAD" in broken.reason


def test_natural_questions_in_all_three_forms(tmp_path: Path):
    assert said(Corpus.NATURAL_QUESTIONS, put(tmp_path / "NQ-open.jsonl", '{"question": "who sang it", "answer": ["Ann", "Bo"]}\n')) == [
        ["who sang it", "Ann"]
    ]
    simple = {
        "example_id": 5,
        "question_text": "where is it",
        "document_text": "It is <P> in Rome now",
        "annotations": [{"short_answers": [{"start_token": 3, "end_token": 5}], "yes_no_answer": "NONE"}],
    }
    path = tmp_path / "v1.0-simplified.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(simple).encode() + b"\n"))
    assert said(Corpus.NATURAL_QUESTIONS, path) == [["where is it", "in Rome"]]
    tokens = [{"token": token, "html_token": False} for token in "Yes it is".split()]
    original = {"question_text": "is it so", "document_tokens": tokens, "annotations": [{"short_answers": [], "yes_no_answer": "YES"}]}
    assert said(Corpus.NATURAL_QUESTIONS, put(tmp_path / "nq.jsonl", json.dumps(original) + "\n")) == [["is it so", "Yes."]]


def test_natural_questions_as_on_the_hub(tmp_path: Path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    nothing: dict[str, list] = {"start_token": [], "end_token": [], "start_byte": [], "end_byte": [], "text": []}
    rome = {"start_token": [3], "end_token": [5], "start_byte": [9], "end_byte": [16], "text": ["in Rome"]}
    long = {"start_token": 1, "end_token": 9, "start_byte": 1, "end_byte": 90, "candidate_index": 0}

    def row(name: str, question: str, short: list, yes_no: list[int]) -> dict[str, Any]:
        tokens = {"token": ["It", "is"], "is_html": [False, False], "start_byte": [0, 3], "end_byte": [2, 5]}
        annotations = {"id": ["1", "2"], "long_answer": [long, long], "short_answers": short, "yes_no_answer": yes_no}
        document = {"title": "t", "url": "u", "html": "<p>", "tokens": tokens}
        return {"id": name, "document": document, "question": {"text": question, "tokens": question.split()}, "annotations": annotations}

    rows = [row("5", "where is it", [nothing, rome], [-1, -1]), row("6", "is it so", [nothing, nothing], [-1, 0])]
    path = tmp_path / "train-00000-of-00287.parquet"
    parquet.write_table(arrow.Table.from_pylist([*rows, row("7", "why", [nothing, nothing], [-1, -1])]), path)
    where, so, why = found(Corpus.NATURAL_QUESTIONS, path)
    assert where == Script("5", "qa", (user("where is it", ("in", "rome")), agent("in Rome")), ("in Rome",))
    assert isinstance(so, Script) and so.turns[1] == agent("No.") and why == Failed(f"{path.name}:3", "there is no answer to it")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"question_audio": "audio/1.wav"}, "the audio is 'audio/1.wav'; need the bytes of a recording"),
        ({"question_audio": {"bytes": "UklGRg=="}}, "need the bytes of a recording"),
        ({"question": None}, "the question is None; need its words"),
        ({"answer": None}, "there is no answer to it"),
    ],
)
def test_a_row_of_voice_assistant_with_a_wrong_part_says_which(wrong: dict[str, Any], reason: str, tmp_path: Path):
    row = {"split_name": "qa", "index": "1", "round": "1", "question": "Who?", "question_audio": None, "answer": "Ann."} | wrong
    good = row | {"index": "2", "question_audio": None, "question": "A?", "answer": "B."}
    path = put(tmp_path / "rows.jsonl", f"{json.dumps(row)}\n{json.dumps(good)}\n")
    failed, script = found(Corpus.VOICE_ASSISTANT, path)
    assert isinstance(failed, Failed) and reason in failed.reason
    assert script == Script("qa-2", "qa", (user("A?"), agent("B.")))


def test_gigaspeech_is_read_entry_by_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    audios = [{"aid": f"P{number}", "title": 'so "audios": [' + "x" * 50 * number, "segments": [1.25, {"a": "]"}]} for number in range(9)]
    whole = json.dumps({"dataset": "GigaSpeech", "audios": audios, "more": [1]}, indent=1)
    for chunk in (1, 7, 100, 1 << 20):
        monkeypatch.setattr(transcribed, "CHUNK", chunk)
        assert list(transcribed.audios_in(put(tmp_path / "GigaSpeech.json", whole))) == audios
    monkeypatch.setattr(transcribed, "CHUNK", 64)
    path = put(tmp_path / "GigaSpeech.json", whole[: len(whole) // 2])
    read = transcribed.audios_in(path)
    assert next(read) == audios[0]
    with pytest.raises(ValueError, match="GigaSpeech.json: cannot be read from where"):
        list(read)
    put(path, {"audios": [{"aid": "P1"}]})
    (failed,) = found(Corpus.GIGASPEECH, tmp_path)
    assert failed == Failed("GigaSpeech.json:1", "is no audio of GigaSpeech (KeyError: 'segments')")


def test_ultrachat_in_both_forms(tmp_path: Path):
    path = put(tmp_path / "train_0.jsonl", json.dumps({"id": "7", "data": ["Hi there?", "Hello.", "And you?", "Fine.", "Bye?"]}) + "\n")
    assert said(Corpus.ULTRACHAT, path) == [["Hi there?", "Hello."]]
    assert said(Corpus.ULTRACHAT, path, rounds=4) == [["Hi there?", "Hello.", "And you?", "Fine."]]
    put(tmp_path / "many" / "train_0.jsonl", json.dumps({"id": "0", "data": ["One?", "Yes."]}) + "\n")
    put(tmp_path / "many" / "train_1.jsonl", json.dumps({"id": "0", "data": ["Two?", "No."]}) + "\n")
    assert said(Corpus.ULTRACHAT, tmp_path / "many") == [["One?", "Yes."], ["Two?", "No."]]
    messages = [{"role": role, "content": text} for role, text in (("user", "Who?"), ("assistant", "Me."))]
    assert said(Corpus.ULTRACHAT, put(tmp_path / "200k.jsonl", json.dumps({"prompt_id": "a", "messages": messages}))) == [["Who?", "Me."]]


def test_voice_assistant_keeps_the_recorded_questions_of_first_rounds(tmp_path: Path):
    parquet, arrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    sound = io.BytesIO()
    soundfile.write(sound, tone(0.5, 22050), 22050, format="WAV")
    row = {"split_name": "qa", "round": "1", "question_audio": {"bytes": sound.getvalue(), "path": "q.wav"}, "answer_snac": "# 1 2"}
    rows = [
        row | {"index": "qa_1", "question": "Who is it?", "answer": "Ann."},
        row | {"index": "qa_1", "round": "2", "question": "Since when?", "answer": "Today."},
        row | {"index": "qa_2", "question": "who is it", "answer": "ann"},
        row | {"index": "qa_3", "question": "", "answer": "Oh."},
        row | {"index": "qa_1", "split_name": "other", "question": "What is it?", "answer": "Tea."},
    ]
    path = tmp_path / "train-00000-of-00325.parquet"
    parquet.write_table(arrow.Table.from_pylist(rows), path)
    script, *failed, other = found(Corpus.VOICE_ASSISTANT, path)
    assert isinstance(other, Script) and other.id == "other-qa_1"
    assert isinstance(script, Script) and script.id == "qa-qa_1" and script.turns[1] == agent("Ann.")
    clip = script.turns[0].clip
    assert clip and soundfile.info(clip.path).frames == 11025
    assert failed[0] == Failed("qa-qa_2", "duplicate: qa-qa_1 asks and answers the same")
    assert isinstance(failed[1], Failed) and "need its words" in failed[1].reason and len(failed) == 2


@pytest.mark.parametrize("corpus", [Corpus.ULTRACHAT, Corpus.VOICE_ASSISTANT])
def test_slam_omni_has_its_questions_as_samples(corpus: Corpus, tmp_path: Path):
    parquet, arrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    question = {"array": tone(0.5, 22050).tolist(), "path": "q.wav", "sampling_rate": 22050}
    row = {"split_name": "train", "index": 1, "round": 1, "question_audio": question, "answer_cosyvoice_speech_token": [5, 9]}
    rows = [
        row | {"question": "<USER>: Who is it?", "answer": "Ann."},
        row | {"round": 2, "question": "USER: Who is it? ASSISTANT: Ann. <USER>: Since when?", "answer": "Today."},
        row | {"index": 2, "question": "<USER>: What is it?", "answer": "Tea.", "question_audio": question | {"array": []}},
        row | {"index": 3, "question": "<USER>: Where?", "answer": "There.", "question_audio": None},
    ]
    path = tmp_path / "train-00000-of-00853.parquet"
    parquet.write_table(arrow.Table.from_pylist(rows), path)
    script, failed, silent = found(corpus, path)
    assert isinstance(script, Script) and script.id == "train-1" and script.turns[1] == agent("Ann.")
    assert script.turns[0].text == "Who is it?" and (clip := script.turns[0].clip)
    heard, rate = soundfile.read(clip.path, dtype="float32")
    assert rate == 22050 and np.abs(heard - tone(0.5, 22050)).max() < 1e-4
    assert isinstance(failed, Failed) and "or an array of samples and their rate" in failed.reason
    assert silent == Script("train-3", "qa", (user("Where?"), agent("There.")))
    with pytest.raises(ValueError, match="only the first round is read; leave out --rounds"):
        found(Corpus.ULTRACHAT, path, rounds=2)


@pytest.mark.parametrize("part", ["dev-clean", "of-mine"])
def test_an_utterance_of_librispeech_that_cannot_be_read_costs_that_one_alone(part: str, tmp_path: Path):
    chapter = tmp_path / "LibriSpeech" / part / "84" / "121123"
    chapter.mkdir(parents=True)
    soundfile.write(chapter / "84-121123-0000.flac", tone(0.5), RATE)
    (chapter / "84-121123-0001.flac").write_bytes(b"fLaC and nothing more")
    put(chapter / "84-121123.trans.txt", "84-121123-0000 GO ON\n84-121123-0001 GO\n84-121123-0002 ON\n84-121123-0003\n")
    script, *failed = found(Corpus.LIBRISPEECH, tmp_path / "LibriSpeech", part=part)
    assert isinstance(script, Script) and script.id == "84-121123-0000"
    for each, reason in zip(failed, ("cannot be read as audio", "is missing in", "has no words"), strict=True):
        assert isinstance(each, Failed) and reason in each.reason and "\n" not in each.reason


def test_librispeech_by_the_recipe_of_lhotse(tmp_path: Path):
    chapter = tmp_path / "LibriSpeech" / "dev-clean" / "84" / "121123"
    chapter.mkdir(parents=True)
    for number in range(2):
        soundfile.write(chapter / f"84-121123-000{number}.flac", tone(0.5 + number), RATE)
    put(chapter / "84-121123.trans.txt", "84-121123-0000 GO ON\n84-121123-0001 DO YOU HEAR\n")
    scripts = found(Corpus.LIBRISPEECH, tmp_path / "LibriSpeech")
    clip = Clip(str((chapter / "84-121123-0001.flac").resolve()))
    assert scripts[1] == Script("84-121123-0001", "asr", (user("do you hear", clip=clip), agent("do you hear"))) and len(scripts) == 2
    with pytest.raises(ValueError, match="holds no test-other; found dev-clean"):
        found(Corpus.LIBRISPEECH, tmp_path / "LibriSpeech", part="test-other")


def test_gigaspeech_raw_and_as_lhotse_prepares_it(tmp_path: Path):
    both = {"speaker": "N/A", "subsets": ["{XL}", "{M}"]}
    segments = [
        both | {"sid": "P1_S0", "begin_time": 0.5, "end_time": 1.5, "text_tn": "SO <COMMA> LET'S GO <PERIOD>"},
        both | {"sid": "P1_S1", "begin_time": 2.0, "end_time": 2.5, "text_tn": "<MUSIC>"},
    ]
    larger = both | {"sid": "P1_S2", "begin_time": 2.5, "end_time": 2.9, "text_tn": "PERHAPS WRONG", "subsets": ["{XL}"]}
    audio = {"aid": "P1", "path": "audio/p1.opus", "sample_rate": 16000, "channels": 1, "duration": 3.0, "subsets": ["{XL}", "{M}"]}
    put(tmp_path / "raw" / "GigaSpeech.json", {"dataset": "GigaSpeech", "audios": [audio | {"segments": [*segments, larger]}]})
    script, failed = found(Corpus.GIGASPEECH, tmp_path / "raw", part="M")
    place = Clip(str((tmp_path / "raw/audio/p1.opus").resolve()), 0.5, 1.0)
    assert script == Script("P1_S0", "asr", (user("so, let's go.", clip=place), agent("so, let's go.")))
    assert len(found(Corpus.GIGASPEECH, tmp_path / "raw")) == 3
    put(tmp_path / "none" / "GigaSpeech.json", {})
    with pytest.raises(ValueError, match="has no audios"):
        found(Corpus.GIGASPEECH, tmp_path / "none")
    assert failed == Failed("P1_S1", "has no words: '<MUSIC>'") and not found(Corpus.GIGASPEECH, tmp_path / "raw", part="XS")

    from lhotse import CutSet, RecordingSet, SupervisionSet
    from lhotse.recipes.gigaspeech import parse_utterance

    recording, supervisions = parse_utterance(audio | {"segments": segments}, tmp_path / "raw") or (None, [])
    made = CutSet.from_manifests(RecordingSet.from_recordings([recording]), SupervisionSet.from_segments(supervisions))
    (tmp_path / "prepared").mkdir()
    made.to_file(tmp_path / "prepared" / "gigaspeech_cuts_M.jsonl.gz")
    assert found(Corpus.GIGASPEECH, tmp_path / "prepared", part="M") == [script, failed]
    later = CutSet.from_cuts(cut.truncate(offset=0.25, keep_excessive_supervisions=True) for cut in made)
    later.to_file(tmp_path / "prepared" / "gigaspeech_cuts_L.jsonl.gz")
    assert found(Corpus.GIGASPEECH, tmp_path / "prepared", part="L") == [script, failed]
    assert found(Corpus.GIGASPEECH, tmp_path / "prepared") == [script, failed]  # what is in two subsets comes once


def test_any_folder_of_recordings(tmp_path: Path):
    for folder, name in (("ann", "one"), ("bo", "two")):
        put(tmp_path / "mine" / folder / f"{name}.txt", f"This is {name}.\n")
        soundfile.write(tmp_path / "mine" / folder / f"{name}.wav", tone(0.3), RATE)
    put(tmp_path / "mine" / "bo" / "lost.txt", "no sound")
    scripts = found(Corpus.RECORDINGS, tmp_path / "mine")
    assert [script.id for script in scripts] == ["ann/one", "bo/two"]
    assert recording_of("this is two", tmp_path / "mine") == (tmp_path / "mine/bo/two.wav").resolve()
    put(tmp_path / "lj" / "metadata.csv", 'LJ1|Dr. "X"|Doctor X\n')
    assert recording_of("doctor x", tmp_path / "lj") == (tmp_path / "lj/wavs/LJ1.wav").resolve()
    with pytest.raises(ValueError, match="has no recording of 'three'"):
        recording_of("three", tmp_path / "mine")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no recordings with transcripts"):
        found(Corpus.RECORDINGS, tmp_path / "empty")


BAD: dict[str, tuple[Corpus, Any, str]] = {
    "empty output": (Corpus.ALPACA, {"instruction": "Say.", "output": ""}, "there is no answer"),
    "another corpus": (Corpus.ALPACA, {"prompt": "x"}, "is no entry of Alpaca: it has prompt"),
    "no text": (Corpus.ALPACA, {"instruction": "  ", "output": "x"}, "need its words"),
    "SQuAD without paragraphs": (Corpus.SQUAD, {"data": [{"title": "x"}]}, "is not as the corpus is published"),
    "no SQuAD": (Corpus.SQUAD, {"x": 1}, "is no SQuAD: it has x"),
    "no document": (Corpus.NATURAL_QUESTIONS, {"question_text": "x", "annotations": []}, "need document_text"),
    "no answer": (Corpus.NATURAL_QUESTIONS, {"question": "x", "answer": []}, "no answer"),
    "two users": (Corpus.ULTRACHAT, {"messages": [{"role": "user", "content": "a"}] * 2}, "take turns"),
    "no question": (Corpus.WEB_QUESTIONS, {"x": 1}, "no question of a known format"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_entry_is_reported_with_its_line(case: str, tmp_path: Path):
    corpus, entry, reason = BAD[case]
    (failed,) = found(corpus, put(tmp_path / "x.jsonl", json.dumps(entry) + "\n"))
    assert isinstance(failed, Failed) and failed.id == "x.jsonl:1" and reason in failed.reason


def test_half_a_character_costs_its_entry_alone(tmp_path: Path):
    entries = [{"instruction": text, "input": "", "output": "Blood."} for text in ("What is \ud83d red?", "What is red?")]
    (tmp_path / "alpaca.json").write_text(json.dumps(entries))
    failed, script = found(Corpus.ALPACA, tmp_path / "alpaca.json")
    assert isinstance(failed, Failed) and "half a character" in failed.reason and isinstance(script, Script)


def test_sums_of_other_signs_are_other_questions():
    asked = ("What is 5 + 3?", "What is 5 * 3?", "What is 5 - 3?", "what is 5 +3")
    result = list(distinct(Script(text, "qa", (user(text), agent("It depends."))) for text in asked))
    assert [isinstance(each, Script) for each in result] == [True, True, True, False]


def test_duplicate_and_contradictory_items_are_left_out():
    asked = [("a", "Who?", "Ann."), ("b", "who", "ann"), ("c", "WHO?", "Bo."), ("a", "When?", "Now.")]
    result = list(distinct(Script(name, "qa", (user(text), agent(answer))) for name, text, answer in asked))
    assert isinstance(result[0], Script) and result[1:] == [
        Failed("b", "duplicate: a asks and answers the same"),
        Failed("c", "contradiction: a asks the same and is answered otherwise"),
        Failed("a", "duplicate: a script before it has this id"),
    ]


def test_scripts_put_together_by_hand_are_compared_too(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """The same question with more said after its answer is no contradiction, nor are two recordings of one sentence the same."""
    stop = Turn(Speaker.USER, "Stop.", Kind.INTERRUPTION)
    turns = [(user("Who?"), agent("Ann.")), (user("who"), agent("ann")), (user("Who?"), agent("Bo.")), (user("Who?"), agent("Ann."), stop)]
    turns += [(user("Hi", clip=Clip(name)), agent("hi")) for name in ("a-1.wav", "a/1.wav", "a-1.wav")]
    path = put(tmp_path / "s.jsonl", "".join(to_line(Script(str(number), "qa", each)) for number, each in enumerate(turns)))
    said = [
        "s.jsonl:2: duplicate: s.jsonl:1 asks and answers the same",
        "s.jsonl:3: contradiction: s.jsonl:1 asks the same and is answered otherwise",
        "s.jsonl:7: duplicate: s.jsonl:5 asks and answers the same",
    ]
    assert check(path) == (7, said)
    with pytest.raises(ValueError, match="nowhere"):
        build(tmp_path / "out", BuildConfig(scripts=path, voice=("recordings:nowhere",)))
    assert f"3 scripts are bad, repeat others or contradict them; `parley data check {path}` names them" in caplog.text


def test_scripts_come_back_from_their_file_and_bad_lines_are_named(tmp_path: Path):
    turns = (user("What?", ("this",), Clip("a.wav", 1.0, 2.0)), agent("This."), Turn(Speaker.OTHER, "Hey", Kind.CHAT))
    script = Script("s", "qa", turns, ("this", "that"))
    assert from_line(to_line(script)) == script
    bad = ["{", '{"id": "x"}', '{"id": "x", "turns": []}', '{"id": "x", "turns": [{"speaker": "agent", "text": "a"}]}', to_line(script)]
    bad += ['{"id": "x", "turns": [{"speaker": "user", "text": "a", "keywords": 5}]}', '{"id": "x", "references": 3, "turns": []}']
    bad += ['{"id": "x", "turns": [{"speaker": "user", "text": "a", "clip": {"path": "b", "start_s": "c"}}]}']
    bad += ['{"id": "x", "turns": [{"speaker": "me", "text": "a"}]}', '{"id": "x", "turns": [{"speaker": "user", "text": " "}]}']
    clipped = '{"id": "x", "turns": [{"speaker": "%s", "text": "a", "clip": {"path": "b", %s}}]}'
    times = ('"start_s": Infinity', '"start_s": NaN', '"start_s": -1', f'"start_s": {10**400}', '"duration_s": 0', '"duration_s": Infinity')
    bad += [clipped % ("user", each) for each in times]
    bad += ['{"id": "x", "turns": [{"speaker": "user", "text": "a"}, {"speaker": "agent", "text": "a", "clip": {"path": "b"}}]}']
    path = put(tmp_path / "s.jsonl", to_line(script) + "\n" + "\n".join(line.strip() for line in bad) + "\n")
    first, *failed = read_scripts(path)
    assert first == script and [each.id for each in failed] == [f"s.jsonl:{line}" for line in range(2, 19)]
    reasons = ["is not JSON", "is no script", "no turn in it", "follows no question", "has the id 's' too"]
    reasons += ["keywords is '5'", "references is '3'", "is no clip", "is no turn", "has no words"]
    reasons += ["a clip starts at"] * len(times) + ["in the assistant's voice alone"]
    assert all(isinstance(each, Failed) and reason in each.reason for each, reason in zip(failed, reasons, strict=True))


def test_scripts_are_written_whole_with_what_failed_beside_them(tmp_path: Path):
    scripts = [Script(str(number), "qa", (user(f"q{number}"), agent("a"))) for number in range(3)]
    out = tmp_path / "new" / "s.jsonl"
    assert write_scripts(iter([scripts[0], Failed("f", "why"), *scripts[1:]]), out, limit=2) == (2, [Failed("f", "why")])
    assert list(read_scripts(out)) == scripts[:2]
    assert json.loads(out.with_suffix(".failed.jsonl").read_text()) == {"id": "f", "reason": "why"}
    with pytest.raises(ValueError, match="no script can be made; 1 entries cannot be used, such as f: why"):
        write_scripts(iter([Failed("f", "why")]), tmp_path / "none.jsonl")
    assert not list(tmp_path.glob("none*"))
    with pytest.raises(ValueError, match="no such file or folder"):
        found(Corpus.ALPACA, tmp_path / "nowhere")
