"""Mixed dialogues: exact times, rules of turn taking, determinism, and the way to disk and back."""

from dataclasses import replace

import numpy as np
import pytest
from lhotse import CutSet

from parley.clock import Clock
from parley.data import build as building
from parley.data import manifest
from parley.data.build import BuildConfig, build
from parley.data.mixing import MIXES, OF_FULL, MixConfig, Scenario, mix, speak_with_pauses, split_speech
from parley.data.voices import Voice, speak
from parley.data.world.asides import BACKCHANNELS_EVAL, BACKCHANNELS_TRAIN, CHAT_TRAIN, INTERRUPTIONS_EVAL, INTERRUPTIONS_TRAIN
from parley.data.world.drawn.hesitation import HESITATIONS, unfinished
from parley.data.world.world import FIRST, FULL, answer_to, facts
from parley.dialogue import Kind, Speaker

VOICES = tuple(Voice("espeak", name) for name in ("en-us", "en-us+f2", "en-gb-scotland+m1"))
BLOCK = Clock().samples_in


def tone(text: str) -> np.ndarray:
    """Stands for the assistant's voice: 60 ms a letter."""
    return np.full(960 * len(text), 0.25, np.float32)


def mixed(scenario: Scenario, index: int, held_out: bool = False, noise: bool = False):
    quiet, world = 0.0 if noise else 1.0, FULL if scenario in OF_FULL else FIRST
    config = MixConfig({scenario: 1.0}, VOICES, held_out_phrasings=held_out, evaluation_events=held_out, quiet=quiet, world=world)
    return mix(config, f"{scenario}-{index}", np.random.default_rng([7, index]), tone)


def power(samples: np.ndarray) -> float:
    return float(np.max(np.abs(samples), initial=0.0))


@pytest.mark.parametrize("scenario", list(Scenario))
def test_speech_is_exactly_where_the_segments_say(scenario):
    for index in range(3):
        dialogue = mixed(scenario, index)
        assert len(dialogue.environment) == len(dialogue.assistant) and len(dialogue.environment) % BLOCK == 0
        quiet = {False: np.ones(len(dialogue.environment), bool), True: np.ones(len(dialogue.environment), bool)}
        for segment in dialogue.segments:
            agent = segment.speaker == Speaker.AGENT
            stream = dialogue.assistant if agent else dialogue.environment
            assert power(stream[segment.start : segment.start + 170]) > 0.0005
            assert power(stream[segment.end - 170 : segment.end]) > 0.0005
            quiet[agent][segment.start : segment.end] = False
            for start, end in segment.pauses:
                quiet[agent][start:end] = True
        assert power(dialogue.environment[quiet[False]]) == 0.0
        assert power(dialogue.assistant[quiet[True]]) == 0.0


@pytest.mark.parametrize("scenario", list(Scenario))
def test_answers_start_a_fixed_number_of_blocks_after_their_decision(scenario):
    for index in range(3):
        dialogue = mixed(scenario, index)
        ends = [segment.end for segment in dialogue.segments if segment.keywords and segment.speaker == Speaker.USER]
        starts = [segment.start for segment in dialogue.said_by(Speaker.AGENT)]
        assert len(ends) == len(starts)
        for end, start in zip(ends, starts, strict=True):
            decided = start // BLOCK - 5
            assert start % BLOCK == 0
            assert decided * BLOCK < end + 3840 <= (decided + 1) * BLOCK
        answers = dialogue.said_by(Speaker.AGENT)
        if answers:
            assert len(dialogue.assistant) - answers[-1].end >= 8 * BLOCK


@pytest.mark.parametrize("scenario", [Scenario.INTERRUPTED, Scenario.REPLACED, Scenario.RELATED])
def test_a_barge_in_cuts_the_answer_at_the_end_of_the_block_that_decides(scenario):
    waits = set()
    for index in range(24):
        dialogue = mixed(scenario, index)
        interruption = next(segment for segment in dialogue.segments if segment.kind == Kind.INTERRUPTION)
        answer = next(segment for segment in dialogue.segments if segment.interrupted)
        first, last = (min(interruption.end + 1280, interruption.start + samples) for samples in (14400, 20800))
        assert answer.end % BLOCK == 0 and first <= answer.end < last + BLOCK
        assert answer.end - answer.start < len(tone(answer.text))
        waits.add(answer.end - interruption.start)
    assert len(waits) > 3  # how late a yield may be is drawn


@pytest.mark.parametrize("scenario", [Scenario.BACKCHANNELED, Scenario.BYSTANDER, Scenario.ACKNOWLEDGED])
def test_other_speech_does_not_cut_the_answer(scenario):
    for index in range(5):
        dialogue = mixed(scenario, index)
        assert [segment.end - segment.start for segment in dialogue.said_by(Speaker.AGENT)] == [
            len(tone(segment.text)) for segment in dialogue.said_by(Speaker.AGENT)
        ]
        assert {segment.kind for segment in dialogue.segments} & {Kind.BACKCHANNEL, Kind.CHAT}


@pytest.mark.parametrize("scenario", [Scenario.BACKCHANNELED, Scenario.BYSTANDER, Scenario.ACKNOWLEDGED])
def test_some_go_on_when_the_answer_into_which_somebody_spoke_is_over(scenario):
    goes_on = 0
    for index in range(16):
        segments = mixed(scenario, index).segments
        asked = [segment for segment in segments if segment.kind == Kind.QUESTION]
        answered = [segment for segment in segments if segment.kind == Kind.ANSWER]
        assert len(asked) == len(answered) in (1, 2)
        goes_on += len(asked) == 2
        assert all(question.start > answered[0].end for question in asked[1:])
        assert all(answer.start > question.end for question, answer in zip(asked, answered))
    assert 0 < goes_on < 16


def test_nothing_is_answered_where_nobody_asks():
    for index in range(12):
        dialogue = mixed(Scenario.CHAT, index)
        asked = [segment for segment in dialogue.segments if segment.kind == Kind.QUESTION]
        assert len(asked) == len(dialogue.said_by(Speaker.AGENT))
        kinds = {Kind.CHAT: CHAT_TRAIN, Kind.BACKCHANNEL: BACKCHANNELS_TRAIN, Kind.INTERRUPTION: INTERRUPTIONS_TRAIN}
        aside = [segment for segment in dialogue.segments if segment.kind in kinds]
        assert aside and all(segment.text in kinds[segment.kind] for segment in aside)


def test_one_speaker_never_talks_over_himself():
    for scenario in Scenario:
        for index in range(2):
            dialogue = mixed(scenario, index)
            for speaker in Speaker:
                said = dialogue.said_by(speaker)
                assert all(first.end <= second.start for first, second in zip(said, said[1:], strict=False))


def test_evaluation_uses_held_out_phrasings_and_events():
    held_out = {text for fact in facts(FIRST) for text in fact.held_out}
    for index in range(4):
        for scenario in (Scenario.INTERRUPTED, Scenario.BACKCHANNELED):
            for segment in mixed(scenario, index, held_out=True).segments:
                allowed = {Kind.QUESTION: held_out, Kind.INTERRUPTION: INTERRUPTIONS_EVAL, Kind.BACKCHANNEL: BACKCHANNELS_EVAL}
                assert segment.kind not in allowed or segment.text in allowed[segment.kind]


def test_pauses_never_follow_a_complete_question():
    for index in range(20):
        dialogue = mixed(Scenario.PAUSED, index)
        question = next(segment for segment in dialogue.segments if segment.kind == Kind.QUESTION)
        assert all(3200 <= end - start <= 16000 for start, end in question.pauses)
    rng = np.random.default_rng(0)
    assert answer_to("what is the capital of france", FIRST) == "The capital of France is Paris."
    for thanks in ("please", "do you know", "thank you"):
        last = speak(f"france {thanks}", VOICES[0])
        for _ in range(3):
            text = f"what is the capital of france {thanks}"
            speech, pauses = speak_with_pauses(text, VOICES[0], 8, (0.3, 0.3), rng, lambda words: answer_to(words, FIRST))
            assert len(pauses) == 5
            assert len(speech) - pauses[-1][1] > 0.8 * len(last)
    assert answer_to("hello", FIRST)
    words = "hello what is the capital of france".split()
    assert unfinished(words, lambda words: answer_to(words, FIRST)) == [2, 3, 4, 5, 6]


def test_a_hesitation_is_said_and_followed_by_a_pause():
    for index in range(6):
        question = mixed(Scenario.HESITANT, index).segments[0]
        assert any(f" {word} " in question.text for word in HESITATIONS) and len(question.pauses) == 1


def test_a_related_question_is_about_what_is_being_told():
    for index in range(6):
        told, detail = (segment for segment in mixed(Scenario.RELATED, index).said_by(Speaker.USER))
        (story,) = (fact for fact in facts(FULL) if told.text in fact.known)
        (asked,) = (fact for fact in facts(FULL) if detail.text in fact.known)
        assert asked.of_story == story.about and detail.kind == Kind.INTERRUPTION


def test_the_first_world_has_no_scenarios_of_the_full_one():
    with pytest.raises(ValueError, match="the world 'first' has no repeat; take --world full"):
        MixConfig({Scenario.REPEAT: 1.0}, VOICES)
    with pytest.raises(ValueError, match="'first' has no conversation, hesitant, related, repeat; take --world full"):
        BuildConfig(n=1, mix="full_stage2")
    with pytest.raises(ValueError, match="'second' is no spoken world"):
        BuildConfig(n=1, world="second")


def test_splitting_speech_loses_no_sample():
    speech = speak("can you tell me the capital of france", VOICES[0])
    parts = split_speech(speech, ["can you", "tell me the capital", "of france"])
    assert len(parts) == 3 and np.array_equal(np.concatenate(parts), speech) and min(map(len, parts)) > 2000


def test_a_dialogue_is_a_pure_function_of_its_seed():
    first, again, other = (mixed(Scenario.QUESTIONS, index, noise=True) for index in (1, 1, 2))
    assert np.array_equal(first.environment, again.environment) and first.segments == again.segments
    assert first.segments != other.segments
    assert np.abs(first.environment).max() <= 1.0


@pytest.mark.parametrize("snr_db", [0.0, 10.0, 25.0])
def test_noise_lies_at_the_set_level_under_the_speech(snr_db):
    config = MixConfig({Scenario.QUESTIONS: 1.0}, VOICES, quiet=0.0, snr_db=(snr_db, snr_db), world=FIRST)
    noisy, clean = (mix(replace(config, quiet=quiet), "a", np.random.default_rng(4), tone) for quiet in (0.0, 1.0))
    assert noisy.segments == clean.segments and np.array_equal(noisy.assistant, clean.assistant)
    first = min((segment for segment in clean.segments if segment.speaker != Speaker.AGENT), key=lambda segment: segment.start)
    speech, unclipped = clean.environment[first.start : first.end], np.abs(noisy.environment) < 1
    noise = (noisy.environment - clean.environment)[unclipped]
    assert 10 * np.log10(np.mean(np.square(speech)) / np.mean(np.square(noise))) == pytest.approx(snr_db, abs=0.3)


def test_the_manifest_gives_back_what_was_written(tmp_path):
    dialogues = [mixed(scenario, 3, noise=True) for scenario in Scenario]
    path = manifest.write(dialogues, tmp_path)
    for written, read in zip(dialogues, manifest.read(tmp_path), strict=True):
        assert replace(read, environment=written.environment, assistant=written.assistant) == written
        np.testing.assert_allclose(read.environment, written.environment, atol=1 / 32768)
        np.testing.assert_allclose(read.assistant, written.assistant, atol=1 / 32768)
    cuts = CutSet.from_file(path)
    assert all("target_audio" in cut.custom and {s.speaker for s in cut.supervisions} <= {"user", "agent", "other"} for cut in cuts)
    with pytest.raises(ValueError, match="parley data build"):
        list(manifest.read(tmp_path / "nowhere"))


SMALL = BuildConfig(n=7, seed=5, shard=3)


def contents(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_build_is_the_same_for_every_number_of_jobs_and_after_a_kill(tmp_path):
    build(tmp_path / "one", SMALL, jobs=1)
    build(tmp_path / "two", SMALL, jobs=2)
    whole = contents(tmp_path / "one")
    assert whole == contents(tmp_path / "two")
    assert [cut.id for cut in manifest.read_cuts(tmp_path / "one")] == [f"stage1-5-{index:06d}" for index in range(7)]
    (tmp_path / "two" / "cuts.jsonl").unlink()
    (tmp_path / "two" / "shard-00001.jsonl").rename(tmp_path / "two" / "unfinished-shard-00001.jsonl")
    build(tmp_path / "two", SMALL, jobs=1)
    assert contents(tmp_path / "two") == whole


def test_a_dialogue_that_fails_is_reported_and_left_out(tmp_path, monkeypatch):
    def fail_once(config, name, rng, assistant_speech):
        if name.endswith("1"):
            raise ValueError("flite:slt hung for 20 s at 'hello'")
        return mix(config, name, rng, tone)

    monkeypatch.setattr(building, "mix", fail_once)
    failures = building.build_shard(tmp_path, replace(SMALL, n=3), VOICES, 0)
    assert [(failure.id, failure.reason) for failure in failures] == [("stage1-5-000001", "flite:slt hung for 20 s at 'hello'")]
    assert len(list(manifest.read_cuts(tmp_path / "shard-00000.jsonl"))) == 2


def test_another_build_is_not_mixed_into_a_folder(tmp_path):
    build(tmp_path, replace(SMALL, n=1))
    with pytest.raises(ValueError, match="holds a build with other settings"):
        build(tmp_path, replace(SMALL, n=1, seed=6))


def test_settings_that_do_not_exist_are_refused_with_the_choices():
    with pytest.raises(ValueError, match="'stage9' is not one of stage1"):
        BuildConfig(n=1, mix="stage9")
    with pytest.raises(ValueError, match="'mine' is not one of training"):
        BuildConfig(n=1, voices="mine")
    assert all(abs(sum(weights.values()) - 1) < 1e-9 for weights in MIXES.values())
