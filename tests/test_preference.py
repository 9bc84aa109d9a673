"""Stage 3: mistakes are judged and moved to where they belong, the loss is DPO's, and a stopped run goes on to the same numbers."""

import errno
import json
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from parley import recipes
from parley.clock import Clock
from parley.data import manifest
from parley.data.dataset import DatasetConfig
from parley.dialogue import Dialogue, Kind, Segment, Speaker
from parley.llm.layout import LayoutConfig, Region, Turn, lay_out, prefer
from parley.llm.tokens import Tokens
from parley.models.checkpoint import load_model, save_model
from parley.models.duplex import BlockOutput, Directive, DuplexModel
from parley.models.salmonn_omni import SalmonnOmni, SalmonnOmniConfig
from parley.runtime.session import Answer
from parley.streaming import write_rows
from parley.train import stage3
from parley.train.loop import LoopConfig
from parley.train.preference.errors import Error, Verdict, judge, scores
from parley.train.preference.pairs import PAIRS, MineConfig, PairDataset, echo_of, mine, yielding
from parley.train.stage3 import Stage3Config, log_probability, opinion, preference_loss
from parley.train.step.distributed import World
from tests.test_salmonn_omni import build, noise, tokens  # noqa: F401  (tokens is a fixture)
from tests.test_stages import batch_of

CLOCK, LAYOUT = Clock(), LayoutConfig()
BLOCK, RATE = CLOCK.samples_in, CLOCK.input_rate
TEXT = "one two three four five six"


def dialogue(name: str, said: Segment | None = None, level: float = 0.0) -> Dialogue:
    """A question in blocks 2 to 5, its answer from 12 to 52, or to where `said`, with sound of `level`, stops it."""
    stops = said is not None and said.kind == Kind.INTERRUPTION
    end = (said.end // BLOCK + 1) * BLOCK if said and stops else 53 * BLOCK
    environment, assistant = np.zeros((2, 70 * BLOCK), dtype=np.float32)
    environment[2 * BLOCK : 6 * BLOCK], assistant[12 * BLOCK : end] = 0.05, 0.1
    segments = [
        Segment(Speaker.USER, Kind.QUESTION, "and then", 2 * BLOCK, 6 * BLOCK, keywords=("one",)),
        Segment(Speaker.AGENT, Kind.ANSWER, TEXT, 12 * BLOCK, end, interrupted=stops),
    ]
    if said:
        environment[said.start : said.end] = level
        segments.append(said)
    return Dialogue(name, CLOCK.input_rate, environment, assistant, tuple(segments))


def said(kind: Kind, speaker: Speaker = Speaker.USER, keywords: tuple[str, ...] = ()) -> Segment:
    return Segment(speaker, kind, "well", 25 * BLOCK, 30 * BLOCK, keywords=keywords)


def test_a_preference_weighs_what_differs_and_must_part_at_a_shift(tokens: Tokens):  # noqa: F811
    think, shift, word = tokens.think, tokens.shift, tokens.encode("one")[0]
    chosen, rejected = [think, shift, word, word, think, shift], [think, shift, word, shift, think, think]
    onward = prefer(chosen, rejected, tokens)
    assert onward.chosen.inputs == (tokens.bos, *chosen[:-1]) and onward.rejected.labels == tuple(rejected)
    assert onward.chosen.weights == onward.rejected.weights == (0, 0, 0, 1, 1, 1)
    assert prefer(chosen, rejected, tokens, Region.SHIFTS).chosen.weights == (0, 0, 0, 1, 0, 1)
    with pytest.raises(ValueError, match="are the same"):
        prefer(chosen, chosen, tokens)
    with pytest.raises(ValueError, match="part in block 3, at another token"):
        prefer(chosen, [*chosen[:3], think, think, shift], tokens)


JUDGED = {
    "the user asks to stop and is not heard": (said(Kind.INTERRUPTION), -1, False, Verdict(False, True, False, Error.USER_STOP, 30)),
    "somebody else does": (said(Kind.INTERRUPTION, Speaker.OTHER), 60, True, Verdict(False, True, False, Error.OTHER_STOP, 30)),
    "a question is not heard": (said(Kind.INTERRUPTION, keywords=("a",)), -1, False, Verdict(True, True, False, Error.CONTEXT, 30)),
    "the user is heard": (said(Kind.INTERRUPTION), 31, True, Verdict(False, True, True)),
    "it ended by itself meanwhile": (said(Kind.INTERRUPTION), 31, False, None),
    "it stopped before that": (said(Kind.INTERRUPTION), 20, True, Verdict(True, False, True, Error.EARLY_STOP, 30)),
    "it was over before that": (said(Kind.INTERRUPTION), 20, False, None),
    "a backchannel stops it": (said(Kind.BACKCHANNEL), 31, True, Verdict(False, False, True, Error.BACKCHANNEL)),
    "a backchannel does not": (said(Kind.BACKCHANNEL), 57, False, Verdict(False, False, False)),
    "it was over before the backchannel": (said(Kind.BACKCHANNEL), 20, False, None),
    "talk of others stops it": (said(Kind.CHAT, Speaker.OTHER), 26, True, Verdict(True, False, True, Error.CONTEXT)),
    "it stops long after their talk": (said(Kind.CHAT, Speaker.OTHER), 50, True, Verdict(True, False, True, Error.EARLY_STOP)),
    "nothing is said and it stops": (None, 40, True, Verdict(True, False, True, Error.EARLY_STOP)),
    "nothing is said and it goes on": (None, 57, False, Verdict(True, False, False)),
}


@pytest.mark.parametrize("case", JUDGED)
def test_an_answer_is_judged_by_what_was_said_into_it(case: str, tokens: Tokens):  # noqa: F811
    into, back, interrupted, verdict = JUDGED[case]
    one = dialogue("d", into)
    turn: Turn = lay_out(one, CLOCK, tokens, LAYOUT).turns[0]
    assert judge(turn, Answer(turn.shift, back=back, interrupted=interrupted), one.segments, 70, CLOCK) == verdict


def test_an_answer_that_was_cut_by_the_end_of_its_course_is_not_judged(tokens: Tokens):  # noqa: F811
    one = dialogue("d", said(Kind.INTERRUPTION))
    turn = lay_out(one, CLOCK, tokens, LAYOUT).turns[0]
    assert judge(turn, Answer(turn.shift), one.segments, 40, CLOCK) is None  # 25 blocks and 1.5 s need 43.75


def test_scores_pool_the_two_settings():
    """Context-independent: 3 to stop, 2 of them done, 1 backchannel yielded to. Context-dependent: 1 of 1, and 1 of 2 others."""
    verdicts = [Verdict(False, True, True)] * 2 + [Verdict(False, True, False), Verdict(False, False, True)]
    verdicts += [Verdict(True, True, True), Verdict(True, False, True), Verdict(True, False, False)]
    found = scores(verdicts)
    assert math.isclose(found["ci_precision"], 2 / 3) and math.isclose(found["ci_recall"], 2 / 3) and math.isclose(found["ci_f1"], 2 / 3)
    assert found["cd_precision"] == 0.5 and found["cd_recall"] == 1 and math.isclose(found["cd_f1"], 2 / 3)
    assert found["overall_precision"] == 0.6 and found["overall_recall"] == 0.75 and math.isclose(found["overall_f1"], 2 / 3)
    assert scores([])["overall_f1"] == 0 and found["overall_n"] == 7


def test_the_preference_loss_is_dpo_by_hand():
    """Two pairs. Rewards at .5: chosen .5 * (-1 - -3) = 1 and .5 * (-4 - -4) = 0, rejected .5 * (-6 - -5) = -.5 and .5 * (-2 - -3) = .5.
    Margins 1.5 and -.5; the loss is the mean of ln(1 + e^-1.5) = 0.2014 and ln(1 + e^.5) = 0.9741."""
    terms = preference_loss(torch.tensor([-1.0, -4.0, -6.0, -2.0]), torch.tensor([-3.0, -4.0, -5.0, -3.0]), 0.5)
    assert math.isclose(terms["preference"].item(), (0.20141 + 0.97408) / 2, abs_tol=1e-4)
    assert terms["margin"] == 0.5 and terms["reward_accuracy"] == 0.5 and terms["chosen_reward"] == 0.5 and terms["rejected_reward"] == 0


class Fickle(DuplexModel):
    """Answers when it is made to, says TEXT, sounds for 36 blocks, and stops at whatever is louder than `patience`."""

    def __init__(self, tokens: Tokens, patience: float) -> None:  # noqa: F811
        super().__init__()
        self.clock, self.tokens, self.config, self.patience = CLOCK, tokens, SalmonnOmniConfig(), patience
        self.words = torch.tensor(tokens.encode(TEXT))

    def init_state(self, rows: int) -> Tensor:
        return torch.zeros(rows, dtype=torch.long)  # 0 while listening, else 1 + blocks since the shift

    def step(self, environment: Tensor, state: Any, active: Tensor, directive: Tensor | None = None) -> BlockOutput:
        assert directive is not None
        wants = (environment.abs().amax(1) > self.patience) & (state > 0) | (state >= 45)
        shift = (wants | (directive == Directive.SHIFT)) & (directive != Directive.STAY)
        now = torch.where(shift, (state == 0).long(), torch.where(state > 0, state + 1, 0))
        place = (now - 2).clamp(0, len(self.words) - 1)
        word = (now >= 2) & (now < 2 + len(self.words))
        token = torch.where(shift, self.tokens.shift, torch.where(word, self.words[place], self.tokens.think))
        sounds = ((now > 4) & (now <= 40)).float()
        write_rows(state, now, active)
        return BlockOutput(0.05 * sounds[:, None].expand(-1, BLOCK), token, now > 0, shift.float())

    def loss(self, batch: Any) -> dict[str, Tensor]:
        raise AssertionError("it does not learn")

    def piece(self, token: int) -> str:
        return self.tokens.piece(token)


@pytest.fixture(scope="module")
def cuts(tmp_path_factory: pytest.TempPathFactory) -> list:
    """Four dialogues of each kind: backchannels and somebody's talk (a `Fickle` stops at both), stops too soft for it, and silence."""
    folder: Path = tmp_path_factory.mktemp("dialogues")
    kinds = {
        "a": (said(Kind.BACKCHANNEL), 0.5),
        "b": (said(Kind.CHAT, Speaker.OTHER), 0.5),
        "c": (said(Kind.INTERRUPTION), 0.01),
        "d": (said(Kind.INTERRUPTION, Speaker.OTHER), 0.01),
        "e": (None, 0.0),
    }
    dialogues = [dialogue(f"{name}{number}", *kind) for number in range(4) for name, kind in kinds.items()]
    manifest.write(dialogues, folder)
    return list(manifest.read_cuts(folder))


CONFIG = MineConfig(each=3, rows=3, shard=5, echo_share=0.0, onward=40)


def mined(tokens: Tokens, cuts: list, folder: Path) -> dict[str, int]:  # noqa: F811
    model: Any = Fickle(tokens, patience=0.3)
    with torch.inference_mode():
        return mine(model, cuts, CONFIG, folder)


def test_mistakes_become_pairs_whose_shift_is_moved(cuts: list, tokens: Tokens, tmp_path: Path):  # noqa: F811
    counts = mined(tokens, cuts, tmp_path)
    assert counts == {"context": 3, "user_stop": 3, "other_stop": 3, "backchannel": 3, "early_stop": 0, "dialogues": 20}
    data = PairDataset(tmp_path, tokens, CLOCK, Region.ONWARD, rows=2)
    for number, pair in enumerate(data.pairs):
        assert pair.error == {"a": Error.BACKCHANNEL, "b": Error.CONTEXT, "c": Error.USER_STOP, "d": Error.OTHER_STOP}[pair.id[0]]
        chosen, rejected = ([block for block, token in enumerate(side) if token == tokens.shift] for side in (pair.chosen, pair.rejected))
        assert chosen[0] == rejected[0] == 7  # where the reference begins its answer
        if pair.error in (Error.BACKCHANNEL, Error.CONTEXT):
            assert rejected[1] == 25 and chosen[1] == 52  # at the first loud block; at its own end, 45 blocks after the first
        else:
            assert chosen[1] == 30 and rejected[1] == 52  # where the reference stops; by itself
        both = data.of([number]).both
        first = min(chosen[1], rejected[1])
        assert both.assistant is not None and both.weights[0].nonzero()[0] == first
        heard = both.assistant.view(2, -1, BLOCK).abs().amax(2) > 0.01  # (sides, blocks)
        assert torch.equal(heard[0, : first + 1], heard[1, : first + 1])
        stopped = int(rejected[1] < chosen[1])  # which side
        assert not heard[stopped, first + 1 :].any() and heard[1 - stopped, first + 1]


def test_a_search_that_was_stopped_goes_on_to_the_same_pairs(cuts: list, tokens: Tokens, tmp_path: Path):  # noqa: F811
    mined(tokens, cuts, tmp_path / "whole")
    mined(tokens, cuts, tmp_path / "stopped")
    (tmp_path / "stopped" / PAIRS).unlink()
    (tmp_path / "stopped" / "shard-00002.jsonl").unlink()
    (tmp_path / "stopped" / "audio" / f"{cuts[10].id}.flac").write_bytes(b"half")
    mined(tokens, cuts, tmp_path / "stopped")
    for file in (tmp_path / "whole").rglob("*.*"):
        assert file.read_bytes() == (tmp_path / "stopped" / file.relative_to(tmp_path / "whole")).read_bytes(), file


def test_a_full_disk_is_told_as_one(cuts: list, tokens: Tokens, tmp_path: Path):  # noqa: F811
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / f"{cuts[2].id}.flac").symlink_to("/dev/full")
    model: Any = Fickle(tokens, patience=0.3)
    with torch.inference_mode(), pytest.raises(OSError) as raised:
        mine(model, cuts[2:3], CONFIG, tmp_path)
    assert raised.value.errno == errno.ENOSPC


def test_yielding_is_scored_over_all_answers(cuts: list, tokens: Tokens):  # noqa: F811
    """It yields to the 4 backchannels and 4 talks, to none of the 8 stops, and finishes the 4 others; one that never stops finishes all."""
    fickle: Any = Fickle(tokens, patience=0.3)
    deaf: Any = Fickle(tokens, patience=9.0)
    with torch.inference_mode():
        found, none = yielding(fickle, cuts, CONFIG), yielding(deaf, cuts, CONFIG)
    assert found["overall_n"] == 20 and found["ci_n"] == 12 and found["overall_f1"] == 0 == none["overall_f1"]
    assert none["overall_n"] == 20


def test_yielding_tells_one_who_stops_rightly(tokens: Tokens, tmp_path: Path):  # noqa: F811
    """Two loud stops are heard, a loud backchannel stops it too, a soft stop goes unheard: precision 2 / 3, recall 2 / 3."""
    stop, backchannel = said(Kind.INTERRUPTION), said(Kind.BACKCHANNEL)
    into = [(stop, 0.5), (stop, 0.5), (backchannel, 0.5), (stop, 0.01), (backchannel, 0.01)]
    manifest.write([dialogue(f"d{number}", *one) for number, one in enumerate(into)], tmp_path)
    fickle: Any = Fickle(tokens, patience=0.3)
    with torch.inference_mode():
        found = yielding(fickle, list(manifest.read_cuts(tmp_path)), CONFIG)
    assert found["ci_n"] == 5 and found["cd_n"] == 0
    assert all(math.isclose(found[f"{setting}_{score}"], 2 / 3) for setting in ("ci", "overall") for score in ("precision", "recall", "f1"))


def test_a_pair_with_echo_holds_the_environment_and_what_was_played_into_it(cuts: list, tokens: Tokens, tmp_path: Path):  # noqa: F811
    """Of a soft stop that went unheard: the model played on (0.05) on the rejected side, and hears `echo` of it beside the stop (0.01)."""
    model: Any = Fickle(tokens, patience=0.3)
    with torch.inference_mode():
        mine(model, cuts[2:3], replace(CONFIG, echo=(0.4, 0.4), echo_share=1.0), tmp_path)
    data = PairDataset(tmp_path, tokens, CLOCK, Region.ONWARD, rows=1)
    (pair,), both = data.pairs, data.of([0]).both
    assert pair.error == Error.USER_STOP and pair.echo == 0.4 and both.assistant is not None
    alone = torch.from_numpy(manifest.to_dialogue(cuts[2]).environment[: both.environment.shape[1]])
    torch.testing.assert_close(both.environment, alone + 0.4 * both.assistant, rtol=0, atol=1e-4)
    heard = both.environment.view(2, -1, BLOCK)[:, 33, 9].tolist()  # after the stop: silence on the chosen side, echo on the other
    assert heard == pytest.approx([0.0, 0.4 * 0.05], abs=1e-4)


def test_an_echo_that_comes_late_and_through_a_room_is_mined_and_trained_on_as_it_was_heard(tokens: Tokens, tmp_path: Path):  # noqa: F811
    """What the model heard, block by block, is what the pair's rows hold; the same number draws the same path, and the same factor as
    without one."""
    heard: list[np.ndarray] = []

    class Listener(Fickle):
        def step(self, environment: Tensor, state: Any, active: Tensor, directive: Tensor | None = None) -> BlockOutput:
            heard.append(environment[0].numpy().copy())
            return super().step(environment, state, active, directive)

    manifest.write([dialogue("c", said(Kind.INTERRUPTION), 0.01)], tmp_path)
    config = replace(CONFIG, echo=(0.2, 0.4), echo_share=1.0, echo_delay_ms=(100.0, 160.0), echo_room=1.0)
    factor, path = echo_of(config, 0, RATE)
    assert path is not None and len(path) > 0.25 * RATE and not path[:1600].any() and np.square(path).sum() == pytest.approx(1.0, abs=1e-4)
    assert factor == echo_of(replace(config, echo_delay_ms=(0.0, 0.0), echo_room=0.0), 0, RATE)[0]
    assert np.array_equal(path, echo_of(config, 0, RATE)[1]) and not np.array_equal(path[:9000], echo_of(config, 1, RATE)[1][:9000])
    model: Any = Listener(tokens, patience=9.0)
    with torch.inference_mode():
        mine(model, list(manifest.read_cuts(tmp_path)), config, tmp_path)
    both = PairDataset(tmp_path, tokens, CLOCK, Region.ONWARD, rows=1).of([0]).both
    assert len(heard) == 140  # the rejected side was played first, then the chosen one
    sides = torch.from_numpy(np.stack([np.concatenate(heard[70:]), np.concatenate(heard[:70])]))[:, : both.environment.shape[1]]
    torch.testing.assert_close(both.environment, sides, rtol=0, atol=1e-4)
    assert both.assistant is not None and (both.environment - factor * both.assistant).abs()[:, 20 * BLOCK : 24 * BLOCK].max() > 0.003


def test_damaged_pairs_are_named(cuts: list, tokens: Tokens, tmp_path: Path):  # noqa: F811
    with pytest.raises(ValueError, match="no such file; make it with `parley train mine`"):
        PairDataset(tmp_path, tokens, CLOCK, Region.ONWARD, rows=2)
    mined(tokens, cuts, tmp_path)
    with pytest.raises(ValueError, match="holds 12 pairs and a batch wants 99"):
        PairDataset(tmp_path, tokens, CLOCK, Region.ONWARD, rows=99)
    data = PairDataset(tmp_path, tokens, CLOCK, Region.ONWARD, rows=2)
    (tmp_path / data.pairs[0].audio).write_bytes(b"half")
    with pytest.raises(ValueError, match="a0.flac: cannot be read .*; mine the pairs again"):
        data.of([0])
    lines = (tmp_path / PAIRS).read_text().splitlines()
    (tmp_path / PAIRS).write_text("\n".join([lines[0], lines[1][:50]]))
    with pytest.raises(ValueError, match=r"pairs.jsonl, line 2: not a preference pair"):
        PairDataset(tmp_path, tokens, CLOCK, Region.ONWARD, rows=2)


def test_classes_take_turns_whatever_their_sizes_and_each_pair_once_an_epoch_of_its_class(cuts: list, tokens: Tokens, tmp_path: Path):  # noqa: F811
    """Three pairs of `backchannel` and one each of three others: twelve batches of two are six of each class."""
    mined(tokens, cuts, tmp_path)
    lines = (tmp_path / PAIRS).read_text().splitlines()  # a0 b0 c0 d0 a1 b1 ..., by name: three of each
    few = [line for line in lines if json.loads(line)["id"][0] == "a" or json.loads(line)["id"][1:] == "0"]
    (tmp_path / PAIRS).write_text("".join(line + "\n" for line in few))
    data = PairDataset(tmp_path, tokens, CLOCK, Region.ONWARD, rows=2, seed=3)
    numbers = [number for step in range(12) for number in data.batch(step).numbers]
    errors = Counter(data.pairs[number].error for number in numbers)
    assert len(data.pairs) == 6 and errors == {error: 6 for error in Error if error != Error.EARLY_STOP}
    assert Counter(data.pairs[number].id for number in numbers if data.pairs[number].error == Error.BACKCHANNEL).most_common()[-1][1] == 2
    again = PairDataset(tmp_path, tokens, CLOCK, Region.ONWARD, rows=2, seed=3)
    assert again.batch(7).numbers == data.batch(7).numbers == numbers[14:16]


@pytest.fixture(scope="module")
def pairs(cuts: list, tokens: Tokens, tmp_path_factory: pytest.TempPathFactory) -> PairDataset:  # noqa: F811
    """One pair of each class but the last."""
    folder: Path = tmp_path_factory.mktemp("pairs")
    mined(tokens, cuts[:5], folder)
    return PairDataset(folder, tokens, CLOCK, Region.ONWARD, rows=2)


def test_only_the_region_counts_because_the_past_of_both_sides_is_the_same(pairs: PairDataset, tokens: Tokens):  # noqa: F811
    """The sum over the region is that of the log-softmax by hand; with the shared past in it, the difference of the sides is the same."""
    model, batch = build(tokens), pairs.of([0, 3]).both
    with torch.no_grad():
        found = log_probability(model, batch, per_slot=False)
        each = model(batch)[0].log_softmax(-1).gather(2, batch.labels[:, :, None])[:, :, 0]
        inside = [sum(value for value, weight in zip(*row) if weight) for row in zip(each.tolist(), batch.weights.tolist())]
        torch.testing.assert_close(found, torch.tensor(inside), rtol=1e-4, atol=1e-4)
        length = torch.tensor([len(pairs.pairs[number].chosen) for number in (0, 3)] * 2)
        present = (torch.arange(each.shape[1]) < length[:, None]).float()
        whole = log_probability(model, replace(batch, weights=present), per_slot=False)
        torch.testing.assert_close(found[:2] - found[2:], whole[:2] - whole[2:], rtol=1e-3, atol=1e-3)
        mean = log_probability(model, batch, per_slot=True)
        torch.testing.assert_close(mean * batch.weights.sum(1), found)


def train_stage3(
    model: SalmonnOmni, pairs: PairDataset, tokens: Tokens, folder: Path, steps: int, check: bool = False, stop: int = -1  # noqa: F811
) -> None:
    def plain_at(step: int) -> Any:
        if step == stop:
            raise KeyboardInterrupt
        return replace(batch_of(tokens, spoken=True), environment=noise(2, 9) * (1 + step % 3))

    loop = LoopConfig(steps, rate=1e-2, warmup=0, log_every=1, validate_every=3, validate_before=True, save_every=1, weight_decay=0.0)
    config = Stage3Config(loop, pairs=2, beta=1.0, sft=0.1)
    measure = lambda: {"overall_f1": 0.5}  # noqa: E731
    stage3.run(model, pairs, plain_at, pairs if check else None, measure if check else None, config, folder)


@pytest.fixture(scope="module")
def stops(cuts: list, tokens: Tokens, tmp_path_factory: pytest.TempPathFactory) -> PairDataset:  # noqa: F811
    """Two pairs whose chosen side stops."""
    folder: Path = tmp_path_factory.mktemp("stops")
    model: Any = Fickle(tokens, patience=0.3)
    with torch.inference_mode():
        mine(model, cuts[2:4], replace(CONFIG, onward=8), folder)
    return PairDataset(folder, tokens, CLOCK, Region.ONWARD, rows=2)


def test_stage_3_learns_the_preference_and_trains_the_backbone_alone(stops: PairDataset, tokens: Tokens, tmp_path: Path):  # noqa: F811
    model = build(tokens)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    train_stage3(model, stops, tokens, tmp_path, steps=3, check=True)
    moved = {name.split(".")[0] for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {"backbone"}
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    first, last = checks = [line for line in lines if "validation/margin" in line]
    assert [line["step"] for line in checks] == [0, 3] and all(line["validation/overall_f1"] == 0.5 for line in checks)
    assert first["validation/margin"] == 0 and first["validation/preference"] == pytest.approx(math.log(2), abs=1e-5)
    assert last["validation/margin"] > 0 and last["validation/reward_accuracy"] == 1
    assert last["validation/preference"] < first["validation/preference"]


def test_stage_3_stopped_and_started_again_reaches_the_same_numbers(stops: PairDataset, tokens: Tokens, tmp_path: Path):  # noqa: F811
    """The reference is that of the model as the stage found it, also where the run goes on from a checkpoint."""
    train_stage3(build(tokens), stops, tokens, tmp_path / "whole", steps=2)
    with pytest.raises(KeyboardInterrupt):
        train_stage3(build(tokens), stops, tokens, tmp_path / "stopped", steps=2, stop=1)
    train_stage3(build(tokens), stops, tokens, tmp_path / "stopped", steps=2)
    final = Path("step-0000002") / "model.safetensors"
    assert (tmp_path / "whole" / final).read_bytes() == (tmp_path / "stopped" / final).read_bytes()


def test_the_reference_does_not_depend_on_how_pairs_are_batched(pairs: PairDataset, tokens: Tokens):  # noqa: F811
    model = build(tokens)
    every = opinion(model, pairs, per_slot=False)
    with torch.no_grad():
        alone = [log_probability(model, pairs.of([number]).both, per_slot=False) for number in range(len(pairs.pairs))]
    torch.testing.assert_close(torch.stack(alone), every, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(opinion(model, pairs, per_slot=False, most=3), every[:3])


def test_processes_share_the_reference(pairs: PairDataset, tokens: Tokens, monkeypatch: pytest.MonkeyPatch):  # noqa: F811
    """Each computes every n-th batch, and gets the others."""
    model = build(tokens)
    whole = opinion(model, pairs, per_slot=False)
    parts: list[list[torch.Tensor]] = []
    monkeypatch.setattr(stage3, "share", lambda every, world: parts.append([part.clone() for part in every]))
    calls: list[int] = []
    monkeypatch.setattr(stage3, "log_probability", lambda *given: (calls.append(0), log_probability(*given))[1])
    for rank in range(2):
        monkeypatch.setattr(stage3, "join", lambda rank=rank: World(rank, 2))
        opinion(model, pairs, per_slot=False)
    assert len(calls) == len(parts[0]) == len(parts[1])
    joined = [parts[number % 2][number] for number in range(len(calls))]
    torch.testing.assert_close(torch.cat([both.view(2, -1).T for both in joined]), whole)


def test_the_recipe_mines_and_trains_from_folders_and_refuses_another_configuration(
    cuts: list, tokens: Tokens, tmp_path: Path  # noqa: F811
):
    """A random model never yields by itself, so its mistakes are the stops it did not hear."""
    save_model(build(tokens), tmp_path / "model")
    for split in ("train", "validation"):
        manifest.write([manifest.to_dialogue(cut) for cut in cuts[:5]], tmp_path / "data" / split)
    (tmp_path / "spoken.json").write_text(json.dumps({TEXT: [1, 2, 3]}))
    loop = LoopConfig(1, rate=1e-3, warmup=0, log_every=1)
    recipe = replace(
        recipes.tiny(),
        model=build(tokens).config,
        mine=replace(CONFIG, each=1),
        stage2_data=DatasetConfig(seconds=6.0),
        stage3=Stage3Config(loop, pairs=1),
        validation_dialogues=2,
    )
    counts = recipes.run_mine(recipe, tmp_path / "model", tmp_path / "data" / "train", tmp_path / "pairs" / "train", "cpu")
    assert counts["user_stop"] == counts["other_stop"] == 1 and counts["dialogues"] == 5

    (tmp_path / "pairs" / "validation").mkdir()
    (tmp_path / "pairs" / "validation" / PAIRS).write_text("")  # a good model makes few mistakes in few dialogues

    def go(recipe: recipes.Recipe) -> None:
        recipes.run_stage3(recipe, tmp_path / "model", tmp_path / "pairs", tmp_path, tmp_path / "data", tmp_path / "run", "cpu")

    go(recipe)
    (line,) = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert line["train/plain"] > 0 and line["train/preference"] == pytest.approx(math.log(2), abs=1e-4)
    assert line["validation/overall_n"] == 2 and line["validation/ci_recall"] == 0
    load_model(tmp_path / "run" / "model")
    with pytest.raises(ValueError, match="run is of another configuration: stage.beta was 0.1 and is 0.5 now"):
        go(replace(recipe, stage3=Stage3Config(loop, pairs=1, beta=0.5)))
