"""What a user brings, measured from the command line to the report: a parrot plays, and every figure was computed by hand."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import parrot
import pytest
import soundfile
from parrot import WAIT, Parrot, ParrotState
from torch import Tensor

from parley import cli
from parley.data.voices import assistant_speech
from parley.eval import recognisers, suites
from parley.eval.baselines import CONTEXT, Baseline, CascadeConfig
from parley.eval.inputs import heard, outcomes
from parley.eval.inputs.heard import heard_words
from parley.eval.inputs.item import Item
from parley.eval.metrics.full_duplex_bench import Behaviour
from parley.eval.metrics.interaction import stretches
from parley.eval.metrics.words import Word
from parley.eval.report.compare import compare
from parley.eval.report.published import TOR
from parley.models.duplex import BlockOutput, Directive
from tests.test_inputs import put, sound, wav, words
from tests.test_judge import Server, server  # noqa: F401  (a fixture)

BLOCK, RATE = 1280, 16000


class Ears:
    """Four words, evenly, in every stretch of speech."""

    said = "it is well here"

    def hear(self, pcm: np.ndarray, rate: int) -> str:
        return self.said if len(stretches(pcm, rate)) else ""

    def hear_words(self, pcm: np.ndarray, rate: int) -> list[Word]:
        heard = []
        for start, end in stretches(pcm, rate):
            times = np.linspace(start / rate, end / rate, 5).tolist()
            heard += [Word(text, *span) for text, span in zip(self.said.split(), zip(times, times[1:]))]
        return heard


def loud(windows: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    """Speech by the level of a window of 512 samples, in the place of silero-vad: a tone is none to that."""
    return (windows[:, CONTEXT:].abs().amax(1) > 0.05).float(), memory


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "parrot"
    put(folder / "config.json", {})
    monkeypatch.setattr(suites, "load_model", lambda directory: Parrot())
    monkeypatch.setattr(heard, "detector", lambda: loud)
    for room in (suites, outcomes):
        monkeypatch.setattr(room, "recogniser", lambda source, world=None, vocabulary=None: Ears())
    return folder


def evaluate(path: Path, model: Path, out: Path, *options: object) -> int:
    return cli.main(["eval", "inputs", str(path), "--model", str(model), "--out", str(out), *map(str, options)])


def figures(out: Path, part: str = "details") -> dict[tuple[str, str], Any]:
    """(condition, title) -> (value, n)."""
    lines = json.loads((out / "report.json").read_text())[part]
    return {(line["condition"], line["title"]): (line["pooled"]["value"], line["pooled"]["n"]) for line in lines}


QUESTION = (0.2, 1.0)
SHIFT, ONSET, SILENCE = 1.28, 1.60, 3.20  # s: three quiet blocks after block 12, in which the question ends; four on; twenty of sound


def bench(root: Path) -> Path:
    """An item of every kind of Full-Duplex-Bench, of 6 s, in which everyone is loud enough to stop the parrot but for the backchannel."""
    folder = root / "candor_turn_taking" / "1"
    wav(folder / "input.wav", sound(QUESTION, seconds=6))
    put(folder / "turn_taking.json", [{"text": "[TURN-TAKING]", "timestamp": [1.1, 1.3]}])
    put(folder / "transcription.json", [words(("how", 0.2, 0.6), ("so", 0.6, 1.0))])

    folder = root / "synthetic_pause_handling" / "1"
    wav(folder / "input.wav", sound(QUESTION, (1.8, 2.4), seconds=6))
    put(folder / "pause.json", [{"text": "[PAUSE]", "timestamp": [1.0, 1.8]}])
    put(folder / "transcription.json", [words(("how", 0.2, 1.0), ("so", 1.8, 2.4))])

    folder = root / "icc_backchannel" / "1"
    wav(folder / "input.wav", sound((0.2, 5.8), seconds=6))
    put(folder / "transcription.json", [words(("and", 0.2, 3.0), ("so", 3.0, 5.8))])

    folder = root / "synthetic_user_interruption" / "1"
    wav(folder / "input.wav", sound(QUESTION, (2.5, 3.0), seconds=6))
    put(folder / "interrupt.json", [{"context": "How so?", "interrupt": "Stop it.", "timestamp": [2.5, 3.0]}])

    folder = root / "user_backchannel" / "1"
    pcm = sound(QUESTION, seconds=6)
    wav(folder / "clean_input.wav", pcm)
    wav(folder / "input.wav", pcm + 0.3 * sound((2.5, 2.9), seconds=6))
    put(folder / "metadata.json", {"context_text": "How so?", "current_turn_text": "Mhm.", "timestamps": [2.5, 2.9]})
    return root


def test_full_duplex_bench_from_folders_to_the_report(tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]):
    human = put(tmp_path / "human.json", {"1": [0.0, 1.0, 0.0]})
    assert evaluate(bench(tmp_path / "fdb"), model, tmp_path / "out", "--human", human) == 0
    found = figures(tmp_path / "out")

    def value(task: str, title: str) -> Any:
        return pytest.approx(found[task, title][0], abs=1e-4)

    assert value("candor_turn_taking", "take-over rate (TOR), fdb") == 1.0
    assert value("candor_turn_taking", "latency, fdb") == ONSET - 1.1  # from the annotated end, not from the last word
    assert value("candor_turn_taking", "start by the decision: in_time") == 1.0
    assert value("synthetic_pause_handling", "take-over rate (TOR), fdb") == 1.0
    assert value("synthetic_pause_handling", "early starts") == 1.0
    assert value("icc_backchannel", "take-over rate (TOR), fdb") == 0.0
    assert value("icc_backchannel", "JSD from people, fdb") == 1.0 and value("icc_backchannel", "backchannels a second, fdb") == 0.0
    # Block 31 (2.48 to 2.56 s) is the first loud one, so the parrot stops at its end; block 37 is the last, and 41 and 45 are over when it
    # decides to speak again and sounds.
    task = "synthetic_user_interruption"
    assert value(task, "event to the decision to listen, mean") == 0.06 and value(task, "event to silence, mean") == 0.06
    assert value(task, "yields within 1.5 s of the event, where it was speaking") == 1.0
    assert value(task, "latency, fdb") == 45 * 0.08 - 3.0 and value(task, "latency, signed") == 45 * 0.08 - 3.0
    # In windows of 512 samples the user speaks from 3072 to 16384 and from 39936 to 46592, the parrot from 25600 to 51200; 480 on each
    # side.
    task = "user_backchannel"
    assert value(task, "stop latency, fdb") == (46592 - 39936 + 960) / RATE
    assert value(task, "response latency, fdb") == (25600 - 16384 - 960) / RATE
    assert value(task, "behaviour: C_RESUME") == 1.0 and value(task, "behaviour: C_UNKNOWN") == 0.0
    assert (task, "yields within 1.5 s of the event, where it was speaking") not in found  # it came to its end by itself meanwhile

    kept = [json.loads(file.read_text())["outcomes"][0] for file in sorted((tmp_path / "out" / "outcomes").iterdir())]
    assert {one["task"] for one in kept if "exchange" in one} == {"candor_turn_taking", "synthetic_user_interruption", "user_backchannel"}

    by_sound = figures(tmp_path / "out", "sound")
    assert by_sound["candor_turn_taking", "gap in five turns"][0] == pytest.approx(5 * (ONSET - 1.0), abs=1e-3)
    assert by_sound["candor_turn_taking", "ipu in five turns"][0] == pytest.approx(5 * (0.8 + SILENCE - ONSET), abs=1e-3)
    assert by_sound["user_backchannel", "overlap in five turns"][0] == pytest.approx(5 * 0.4, abs=1e-3)
    assert by_sound["synthetic_user_interruption", "barge-in success"] == (1.0, 1)
    assert by_sound["synthetic_user_interruption", "barge-in, from onset"][0] == pytest.approx(0.06, abs=1e-3)
    assert by_sound["synthetic_user_interruption", "barge-in, from end"][0] == pytest.approx(-0.44, abs=1e-3)
    assert by_sound["synthetic_pause_handling", "false alarms"][0] == 0.0  # it began in the pause, when nobody spoke

    text = (tmp_path / "out" / "report.md").read_text()
    assert "| Moshi | 0.957 |" in text and "| Moshi | 94.1% |" not in text  # the second is told from words, which a Whisper did not hear
    assert "Who speaks when, by the sound" in text and text in capsys.readouterr().out
    drawn = {picture.name for picture in (tmp_path / "out" / "figures").glob("*.png")}
    assert drawn == {"response_times.png", "yield_times.png", "confusion.png"}
    assert "![When the model stops](figures/yield_times.png)" in text
    early = "synthetic_pause_handling-1"  # it spoke in the pause; shown once, played again from the recording
    assert text.count("[listen]") == 1 and "spoke in the question: 1.12 s before the end of the question, at 2.4 s" in text
    assert sorted(file.suffix for file in (tmp_path / "out" / "failures").glob(f"{early}-*")) == [".png", ".wav"]
    compared = compare(tmp_path / "out", tmp_path / "out")
    assert "| user_backchannel | stop latency, fdb | 0.476 s | 0.476 s | 0.000 s [-] | 1 |  |" in compared


def test_what_was_played_to_full_duplex_bench_is_written_as_its_authors_read_it(tmp_path: Path, model: Path):
    folder = bench(tmp_path / "fdb")
    wav(folder / "candor_turn_taking" / "1" / "input.wav", np.pad(sound(QUESTION, seconds=6), (0, 800)))
    assert evaluate(folder, model, tmp_path / "out") == 0
    played = tmp_path / "out" / "played"
    files = {str(file.relative_to(played)) for file in played.rglob("*.*")}
    heard = ("output.wav", "output.json")
    v1 = ("candor_turn_taking", "synthetic_pause_handling", "icc_backchannel", "synthetic_user_interruption")
    assert files == {f"{task}/1/{name}" for task in v1 for name in heard} | {
        f"user_backchannel/1/{name}" for name in (*heard, "clean_output.wav", "clean_output.json")
    }
    pcm, rate = soundfile.read(played / "candor_turn_taking" / "1" / "output.wav")
    assert pcm.shape == (6 * rate + 800,)  # not the 76 blocks that the row lasted
    (sounds,) = stretches(pcm.astype(np.float32), rate)
    assert sounds == (pytest.approx(ONSET * rate, abs=2), pytest.approx(SILENCE * rate, abs=2))
    words = json.loads((played / "candor_turn_taking" / "1" / "output.json").read_text())
    assert words["text"] == "it is well here"
    assert [chunk["text"] for chunk in words["chunks"]] == words["text"].split()
    assert [chunk["timestamp"] for chunk in words["chunks"]] == [pytest.approx([1.6 + 0.4 * i, 2.0 + 0.4 * i], abs=1e-3) for i in range(4)]
    stopped = json.loads((played / "synthetic_user_interruption" / "1" / "output.json").read_text())
    assert stopped["chunks"][0]["timestamp"][0] == pytest.approx(45 * 0.08, abs=1e-3)  # not before the interruption's end


def test_what_cannot_be_played_is_reported_and_the_rest_is_kept(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    folder, out = bench(tmp_path / "fdb"), tmp_path / "out"
    put(folder / "candor_turn_taking" / "2" / "turn_taking.json", [{"text": "[TURN-TAKING]", "timestamp": [1.0, 1.2]}])
    wav(folder / "user_backchannel" / "2" / "input.wav", sound(QUESTION, seconds=6))
    wav(folder / "user_backchannel" / "2" / "clean_input.wav", sound(QUESTION, seconds=4))
    assert evaluate(folder, model, out) == 2
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1 and "2 dialogues or scores could not be measured" in shown.err
    assert "- candor_turn_taking/2: " in shown.out and "- user_backchannel/2: clean_input.wav lasts 4.00 s" in shown.out
    assert figures(out)["candor_turn_taking", "take-over rate (TOR), fdb"] == (1.0, 1)

    def nothing(*_: object) -> None:
        raise AssertionError("what is finished is not played again")

    monkeypatch.setattr(suites, "play_items", nothing)
    report = (out / "report.md").read_text()
    assert evaluate(folder, model, out) == 2
    (changed,) = {*(out / "report.md").read_text().splitlines()} - {*report.splitlines()}
    assert changed.startswith("This run: ")
    with pytest.raises(AssertionError):  # with an echo all is another
        evaluate(folder, model, out, "--echo", 0.5)


def test_answers_to_questions_are_scored_and_the_judge_is_asked_again_only_where_it_failed(
    tmp_path: Path,
    model: Path,
    server: Server,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """The parrot says "say 4", which the endpoint obeys; its speech is heard as "page", for which the endpoint sends a page."""
    monkeypatch.setattr(parrot, "PIECES", {2: " say", 3: " 4"})
    monkeypatch.setattr(Ears, "said", "page")
    rows = [{"question": "how many?", "answer": "4"}, {"question": "where?", "answer": "Rome"}]
    questions, out = put(tmp_path / "q.json", rows), tmp_path / "out"
    options = ("--voice", "espeak:en-us", "--judge-url", server.url, "--judge-model", "tester")
    assert evaluate(questions, model, out, *options) == 2
    shown = capsys.readouterr()
    assert shown.out.count("GPTScore of the heard: nonsense: ") == 2 and "2 dialogues or scores" in shown.err
    found = figures(out)
    assert found["llama_questions", "GPTScore, text"] == (4.0, 2) and ("llama_questions", "GPTScore, speech") not in found
    assert found["llama_questions", "answers right, text"] == (0.5, 2) and found["llama_questions", "answers right, speech"] == (0.0, 2)
    assert found["llama_questions", "rule score, text"][0] == pytest.approx((2 / 3 + 0) / 2)  # "say 4" for "4", and for "Rome"
    asked = server.asked()
    monkeypatch.setattr(suites, "play_items", None)  # nothing is played again
    assert evaluate(questions, model, out, *options) == 2
    assert asked == 1 + 4 and server.asked() == asked + 1 + 2  # one of each run is the question that the endpoint is tried with
    assert evaluate(questions, model, out, "--voice", "espeak:en-us") == 0  # what no judge is named for is neither shown nor missing
    assert not any(title.startswith("GPTScore") for _, title in figures(out))


def test_words_begin_where_they_sound_and_not_in_the_silence_before():
    """"Madrid." after 2.5 s, and again after another 2 s: alone pocketsphinx begins its first word at 0 s."""
    speech, ears = assistant_speech("The capital of Spain is Madrid."), recognisers.open_recogniser()
    length_s = len(speech) / RATE
    pcm = np.concatenate([np.zeros(round(2.5 * RATE), np.float32), speech, np.zeros(2 * RATE, np.float32), speech])
    said = heard_words(ears, pcm, RATE)
    first = [word for word in said if word.start_s < 2.5 + length_s]
    assert first[0].start_s == pytest.approx(2.5, abs=0.1) and first[-1].stop_s <= 2.5 + length_s
    assert said[len(first)].start_s == pytest.approx(4.5 + length_s, abs=0.1) and said[-1].stop_s <= len(pcm) / RATE
    assert [word.text for word in said[: len(first)]] == [word.text for word in said[len(first) :]]
    assert all(before.start_s <= word.start_s for before, word in zip(said, said[1:]))
    assert heard_words(ears, pcm, RATE, from_s=2.7 + length_s) == said[len(first) :]
    assert heard_words(ears, pcm[: 2 * RATE], RATE) == []


def test_after_an_interruption_only_what_sounds_after_its_end_is_listened_to(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
):
    """The parrot speaks from 1.6 to 3.2 s, in words of 0.4 s; the interruption is over at 3.0 s. Four words of 0.05 s are heard in the
    rest, as by the authors' program, which cuts the sound there: the turn is taken. Of what is heard in the whole one word is under way."""
    monkeypatch.setattr(parrot, "LOUD", 2.0)  # it is not to be stopped
    folder = bench(tmp_path / "fdb") / "synthetic_user_interruption"
    assert evaluate(folder, model, tmp_path / "out") == 0
    assert figures(tmp_path / "out")["synthetic_user_interruption", TOR] == (1.0, 1)
    after = json.loads((tmp_path / "out" / "played" / "synthetic_user_interruption" / "1" / "output.json").read_text())
    starts = [chunk["timestamp"][0] for chunk in after["chunks"]]
    assert starts == pytest.approx([3.0, 3.05, 3.1, 3.15], abs=1e-3)


def test_the_judge_tells_what_became_of_an_overlap(
    tmp_path: Path,
    model: Path,
    server: Server,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """The interruption of 2.5 s stops the parrot, which is heard again from 3.6 s on, and the endpoint says what it is told to; after
    the backchannel no word begins, which is certain. Of the second interruption the endpoint tells no label."""
    monkeypatch.setattr(parrot, "PIECES", {2: " say", 3: " 4"})
    monkeypatch.setattr(Ears, "said", "say C_RESPOND")
    folder, out = bench(tmp_path / "fdb"), tmp_path / "out"
    for unused in ("candor_turn_taking", "synthetic_pause_handling", "icc_backchannel", "synthetic_user_interruption"):
        shutil.rmtree(folder / unused)
    pcm = sound(QUESTION, seconds=6)
    wav(folder / "user_interruption" / "1" / "input.wav", pcm + sound((2.5, 3.0), seconds=6))
    wav(folder / "user_interruption" / "1" / "clean_input.wav", pcm)
    told = {"context_text": "How so?", "current_turn_text": "Stop it.", "timestamps": [2.5, 3.0]}
    put(folder / "user_interruption" / "1" / "metadata.json", told)
    options = ("--judge-url", server.url, "--judge-model", "tester")
    assert evaluate(folder, model, out, *options) == 2  # its speech is no score, and that is all that is missing
    assert "GPTScore of the heard: nonsense" in capsys.readouterr().out
    found = figures(out)
    assert found["user_interruption", "behaviour: for a judge to tell"] == (1.0, 1)
    assert [found["user_interruption", f"behaviour by the judge: {each}"] for each in Behaviour] == [(1.0, 1), (0.0, 1), (0.0, 1), (0.0, 1)]
    assert found["user_backchannel", "behaviour by the judge: C_UNKNOWN"] == (1.0, 1)
    prompts = [body["messages"][0]["content"] for _, _, body in server.requests]
    (shown,) = (prompt for prompt in prompts if "[What was said into it]\n\nStop it." in prompt)
    assert "[What it had said of that]\n\nsay C_RESPOND\n\n" in shown

    monkeypatch.setattr(Ears, "said", "say perhaps")
    assert evaluate(folder, model, tmp_path / "other", *options) == 2
    assert "- user_interruption/1, behaviour: nonsense: tester answered no behaviour: perhaps" in capsys.readouterr().out
    assert ("user_interruption", "behaviour by the judge: C_RESUME") not in figures(tmp_path / "other")


class Obedient(Parrot):
    """Begins to speak when it is told to, and not when it is told to stay."""

    def step(self, environment: Tensor, state: ParrotState, active: Tensor, directive: Tensor | None = None) -> BlockOutput:
        if directive is not None:
            told = (directive != Directive.FREE) & (state.turn == 0)
            state.heard[told] = (directive == Directive.SHIFT)[told].long()
            state.quiet[told] = WAIT
            environment = environment.masked_fill(told[:, None], 0.0)
        return super().step(environment, state, active)


def test_an_oracle_ends_the_question_of_a_file(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """In the block in which the question ends, not when it has been quiet for three; another run than without it; for questions alone."""
    monkeypatch.setattr(suites, "load_model", lambda directory: Obedient())
    questions = put(tmp_path / "q.json", [{"question": "how many of them are left?", "answer": "4"}])
    decided = {}
    for option in ((), ("--oracle",)):
        assert evaluate(questions, model, tmp_path / "out", "--voice", "espeak:en-us", *option) == 0
        (file,) = (tmp_path / "out" / "outcomes").iterdir()
        (kept,) = json.loads(file.read_text())["outcomes"]
        (turn,), (answer,) = kept["turns"], kept["answers"]
        assert kept["question"] == "how many of them are left?" and kept["voice"].startswith("espeak:en-us")  # of another, `compare` knows
        decided[option] = answer["shift"] / BLOCK, -(-round(turn["at_s"] * RATE) // BLOCK)
    free, ended = decided[()]
    assert free > ended and decided[("--oracle",)] == (ended, ended)
    assert " --oracle --model" in capsys.readouterr().out
    assert evaluate(bench(tmp_path / "fdb"), model, tmp_path / "fdb_out", "--oracle") == 2
    assert "--oracle is for question files, this is candor_turn_taking, icc_backchannel" in capsys.readouterr().err


def test_a_vocabulary_is_given_to_what_hears(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    questions, words = put(tmp_path / "q.json", [{"question": "how many?", "answer": "4"}]), tmp_path / "words.txt"
    asked = []

    def ears(source: str, world: str | None = None, vocabulary: Path | None = None) -> Ears:
        asked.append((source, vocabulary))
        return Ears()

    for room in (suites, outcomes):
        monkeypatch.setattr(room, "recogniser", ears)
    options = ("--voice", "espeak:en-us", "--vocabulary", words)
    assert evaluate(questions, model, tmp_path / "out", *options) == 2
    assert f"{words}: cannot be read" in capsys.readouterr().err and not (tmp_path / "out").exists()
    words.write_text("four\nfive\n")
    assert evaluate(questions, model, tmp_path / "out", *options) == 0
    assert {*asked} == {("pocketsphinx", words)} and f" --vocabulary {words}" in capsys.readouterr().out
    heard = len(asked)
    assert evaluate(questions, model, tmp_path / "out", *options) == 0
    again = len(asked)
    suites.contents.cache_clear()
    words.write_text("four\nsix\n")  # another vocabulary under the same name
    assert evaluate(questions, model, tmp_path / "out", *options) == 0
    assert again - heard < len(asked) - again


def test_speech_that_cannot_be_rated_is_reported(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def rating(speech: np.ndarray, rate: int, judging: object) -> None:
        raise ValueError(f"{len(speech) / rate:.2f} s cannot be rated")

    monkeypatch.setattr("parley.eval.outcomes.rating_of", rating)
    questions = put(tmp_path / "q.json", [{"question": "how many?", "answer": "4"}])
    assert evaluate(questions, model, tmp_path / "out", "--voice", "espeak:en-us") == 2
    assert "- q.json:1, its speech: 1.60 s cannot be rated" in capsys.readouterr().out
    assert figures(tmp_path / "out")["llama_questions", "start by the decision: in_time"] == (1.0, 1)


def test_an_item_whose_recogniser_breaks_down_is_reported_and_the_rest_measured(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    of_item = outcomes.of_item

    def of_item_or_not(item: Item, *others: Any) -> dict[str, Any]:
        if item.id == "q.json:1":
            raise RuntimeError("no search")
        return of_item(item, *others)

    monkeypatch.setattr(outcomes, "of_item", of_item_or_not)
    questions = put(tmp_path / "q.json", [{"question": "how many?", "answer": "4"}, {"question": "where?", "answer": "Rome"}])
    assert evaluate(questions, model, tmp_path / "out", "--voice", "espeak:en-us") == 2
    assert "- q.json:1: RuntimeError: no search" in capsys.readouterr().out
    assert figures(tmp_path / "out")["llama_questions", "start by the decision: in_time"] == (1.0, 1)


def test_the_silence_of_a_cascade_reaches_what_plays_and_the_report(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    made = []

    def player(name: Baseline, beside: Parrot, config: CascadeConfig) -> Parrot:
        made.append((name, config.silence_s, config.interruption_s))
        return beside

    monkeypatch.setattr(suites, "baseline", player)
    options = ("--baseline", "cascade_cancelled", "--silence-s", 0.3, "--interruption-s", 0.4)
    assert evaluate(bench(tmp_path / "fdb"), model, tmp_path / "out", *options) == 0
    assert made == [(Baseline.CANCELLED, 0.3, 0.4)]
    assert " --baseline cascade_cancelled --silence-s 0.3 --interruption-s 0.4 --out DIR`" in capsys.readouterr().out
    assert json.loads((tmp_path / "out" / "report.json").read_text())["plan"]["cascade"]["silence_s"] == 0.3


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--human", "nowhere.json"), "nowhere.json: cannot be read"),
        (("--voice", "piper"), "'piper' is no voice; write ENGINE:NAME"),
        (("--limit", "0"), "--limit is 0; give"),
        (("--judge-url", "ftp://judge"), "'ftp://judge' is no endpoint's URL"),
        (("--utmos", "nowhere.pt"), "nowhere.pt: no TorchScript"),
        (("--echo", "-1"), "--echo is -1.0"),
        (("--silence-s", "0.3"), "--silence-s and --interruption-s are a cascade's; give --baseline cascade"),
        (("--baseline", "always", "--interruption-s", "0.3"), "--silence-s and --interruption-s are a cascade's; give --baseline cascade"),
        (("--baseline", "cascade", "--silence-s", "0"), "silence 0.0 s, turn 0.1 s, interruption 0.2 s: give more than 0"),
        (("--baseline", "cascade", "--interruption-s", "nan"), "interruption nan s: give more than 0"),
    ],
)
def test_a_wrong_option_is_said_before_the_work(
    options: tuple[str, ...], says: str, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
):
    assert evaluate(tmp_path, model, tmp_path / "out", *options) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and says in error and not (tmp_path / "out").exists()
