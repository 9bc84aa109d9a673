"""The engine's thread, by hand and on a clock that stands still: who takes part in a pass, what is thrown away, who is told."""

from asyncio import AbstractEventLoop
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from parrot import Parrot
from serving import BLOCK, CLOCK, INTERRUPTED, PATIENT, QUESTION, service_of, silence

from parley.models.duplex import Directive
from parley.runtime.engine import BlockEvent
from parley.runtime.serve import host as module
from parley.runtime.serve.host import CREDIT_S, FAILED, FEW, RECENT_S, RETRY_S, TALKING_S, Dropped, Event, Guest, Host, deliver
from parley.runtime.serve.limits import Refused
from parley.runtime.serve.metrics import Metrics, Stopwatch
from parley.runtime.session import Answer, Moment, Session, State

BLOCK_S = CLOCK.block_ms / 1000


class Hand:
    """Makes the passes of a host that has no thread. `now`: the time."""

    now = 100.0

    def __init__(self) -> None:
        self.host = service_of(Parrot()).host
        self.host._loop = cast(AbstractEventLoop, SimpleNamespace(call_soon_threadsafe=lambda function, events: function(events)))

    def seat(self) -> Guest:
        guest = self.host.join(lambda event: None)
        self.host._come_and_go()
        return guest

    def work(self) -> None:
        """All passes that are made at this moment."""
        while ready := self.host._ready():
            self.host._pass({guest.row: guest for guest in ready})

    def talk(self, guest: Guest, blocks: int) -> None:
        """At real time, the others beside it."""
        for _ in range(blocks):
            heard = guest.session.blocks
            self.host.hear(guest, silence(1))
            self.work()
            assert guest.session.blocks == heard + 1
            self.now += BLOCK_S


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hand]:
    hand = Hand()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: hand.now))
    yield hand


def misses(host: Host) -> float:
    return host.metrics.registry.get_sample_value("parley_deadline_misses_total") or 0.0


@pytest.mark.parametrize("message_blocks", [1, 250])
def test_who_sends_ahead_gets_no_more_than_real_time_while_another_talks_and_all_at_once_when_nobody_does(hand: Hand, message_blocks: int):
    live, ahead = hand.seat(), hand.seat()
    for _ in range(250 // message_blocks):
        hand.host.hear(ahead, silence(message_blocks))
    hand.talk(live, 50)
    assert ahead.session.blocks == pytest.approx(CREDIT_S / BLOCK_S + 50, abs=2)
    assert hand.host._rest_s() <= BLOCK_S  # the loop comes back by itself
    assert misses(hand.host) == 0  # it is not late, however long it waits
    hand.now += TALKING_S
    hand.work()
    assert ahead.session.blocks == 250
    hand.host.hear(ahead, silence(100))
    hand.talk(live, 50)  # what was had beyond real time is not asked back
    assert ahead.session.blocks == pytest.approx(250 + 50, abs=2)


def test_what_a_network_held_up_is_heard_at_once_though_others_talk(hand: Hand):
    live, stalled = hand.seat(), hand.seat()
    for _ in range(50):
        hand.host.hear(stalled, silence(1))
        hand.talk(live, 1)
    hand.talk(live, 30)
    hand.host.hear(stalled, silence(30))
    hand.talk(live, 1)
    assert stalled.session.blocks == 80


def waits(host: Host) -> float:
    return host.metrics.registry.get_sample_value("parley_wait_seconds_sum") or 0.0


@pytest.mark.parametrize("blocks", [25, 125])
def test_who_caught_up_after_a_standstill_of_the_network_is_at_real_time_again(hand: Hand, blocks: int):
    """What is late from then on is told as late, and is not taken for what was sent ahead."""
    guest = hand.seat()
    hand.talk(guest, 50)
    hand.now += blocks * BLOCK_S
    hand.host.hear(guest, silence(blocks))
    hand.work()
    hand.talk(guest, 50)
    before = waits(hand.host)
    hand.host.hear(guest, silence(1))
    hand.now += 1.5  # the engine is held up
    assert guest.heard[0].kept < hand.now - 1.4  # and what came before is old
    hand.work()
    assert waits(hand.host) - before == pytest.approx(1.5)


def test_what_is_sent_ahead_twice_is_due_when_all_before_it_has_been_heard_at_real_time(hand: Hand):
    live, ahead = hand.seat(), hand.seat()
    hand.host.hear(ahead, silence(125))
    hand.talk(live, 60)
    waits_s = ahead.backlog_s
    hand.host.hear(ahead, silence(1))
    assert ahead.heard[-1].kept - hand.now == pytest.approx(waits_s, abs=0.1) and waits_s > 2
    hand.talk(live, 20)
    assert misses(hand.host) == 0


def test_a_late_server_throws_away_no_more_of_what_a_network_held_up_than_of_what_was_sent_ahead():
    guest = Guest(Session(CLOCK), lambda event: None)
    guest.hear(silence(25), 2.0)
    assert guest.heard[-1].due == pytest.approx(2.0, abs=0.1)
    assert guest.shed(before=2.05, now=3.05) == pytest.approx(1.0, abs=0.1)


def test_a_model_in_which_every_pass_fails_is_told_as_broken_until_one_does_not(hand: Hand, monkeypatch: pytest.MonkeyPatch):
    good = hand.host.engine.tick

    def tick(*_: object) -> dict[int, BlockEvent]:
        raise RuntimeError("no kernel image")

    monkeypatch.setattr(hand.host.engine, "tick", tick)
    for number in range(1, FAILED + 1):
        assert hand.host.broken() is None
        guest = hand.seat()
        hand.host.hear(guest, silence(1))
        hand.work()
        hand.host.leave(guest)
        assert hand.host.metrics.registry.get_sample_value("parley_failed_passes_total") == number
    assert hand.host.broken() == "the last 3 passes failed" and not hand.host._guests
    with pytest.raises(Refused, match="the last 3 passes failed"):
        hand.seat()
    hand.now += RETRY_S
    monkeypatch.setattr(hand.host.engine, "tick", good)
    hand.host.hear(hand.seat(), silence(1))  # who comes now tries it
    assert hand.host.broken()
    hand.work()
    assert hand.host.broken() is None


@pytest.mark.parametrize("pass_s, busy", [(0.02, False), (0.6, True), (6.0, True)])
def test_passes_so_slow_that_they_are_few_are_told_as_late(hand: Hand, pass_s: float, busy: bool):
    hand.host.limits = replace(PATIENT, busy=0.9)
    ends = np.arange(hand.now, hand.now - RECENT_S, -max(1.0, pass_s))
    hand.host._passes.extend((end, pass_s) for end in ends)
    assert len(ends) < FEW and hand.host.busy() == busy and (hand.host.late() is not None) == busy


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ([(10, 18)], [8]),
        ([(10, 18), (10, 40)], [8]),  # one of its own after that
        ([(10, 140)], []),  # long after
        ([(30, 20)], []),  # into what is being said
        ([(10, 18), (30, 38)], [8, 8]),
    ],
)
def test_only_an_answer_to_what_is_over_and_not_long_ago_is_timed(answers: list[tuple[int, int]], found: list[int]):
    """`answers`: where the sound before each answer ends, and where the answer's own begins, in blocks."""
    timed: list[float] = []
    metrics = cast(Metrics, SimpleNamespace(onset=SimpleNamespace(observe=timed.append)))
    watch, session = Stopwatch(CLOCK), Session(CLOCK)
    for number, (ended, onset) in enumerate(sorted(answers, key=lambda each: each[1])):
        session.answers.append(Answer(onset, onset=onset * CLOCK.samples_out))
        for block in range(onset - 40 if number == 0 else onset - 10, onset + 1):
            loud, state = block < ended and block >= ended - 8, State.SPEAKING if block == onset else State.LISTENING
            moment = SimpleNamespace(block=block, loud=loud, environment=0.1 * loud * np.ones(BLOCK), state=state, interrupted=False)
            watch.read(cast(Moment, moment), session, metrics)
    assert timed == pytest.approx([blocks * BLOCK_S for blocks in found])


def test_two_who_send_ahead_do_not_hold_each_other_up(hand: Hand):
    first, second = hand.seat(), hand.seat()
    for guest in (first, second):
        hand.host.hear(guest, silence(250))
    hand.work()
    assert first.session.blocks == second.session.blocks == 250


def test_a_late_server_throws_away_what_is_due_and_keeps_what_was_sent_ahead():
    guest = Guest(Session(CLOCK), lambda event: None)
    guest.hear(silence(125), 0.0)
    assert guest.shed(before=-0.1, now=0.9) == 0.0
    assert guest.shed(before=1.0, now=2.0) == pytest.approx(2.0, abs=0.1)
    assert guest.heard[0].due == pytest.approx(2.0, abs=0.1) and guest.backlog_s == pytest.approx(8.0, abs=0.1)


def test_a_wish_for_silence_that_comes_while_a_pass_begins_is_kept(hand: Hand):
    guest = hand.seat()

    class Cancelled(Session):
        """The client cancels in the very moment in which the engine looks whether the model speaks."""

        @property
        def speaking(self) -> bool:
            guest.hush = self._speaking
            return self._speaking

    guest.session = Cancelled(CLOCK)
    hand.host.hear(guest, QUESTION[: 20 * BLOCK])
    hand.work()
    (answer,) = guest.session.answers
    assert answer.back == answer.shift + 1  # at the next block


def test_what_one_cannot_be_told_the_others_are():
    told: list[Event] = []

    def deaf(_: Event) -> None:
        raise RuntimeError("deaf")

    deliver([(Guest(Session(CLOCK), tell), Dropped(seconds)) for tell, seconds in ((deaf, 1.0), (told.append, 2.0))])
    assert told == [Dropped(2.0)]


def test_a_wish_for_silence_that_comes_during_a_pass_in_which_the_model_listens_tells_it_nothing(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
):
    listening, other = hand.seat(), hand.seat()
    directed: list[dict[int, Directive]] = []

    class Cancelling(Session):
        """The first guest's client cancels when the pass has come to the second one."""

        def take(self) -> np.ndarray:
            listening.hush = True
            return super().take()

    def tick(blocks: dict[int, np.ndarray], directives: dict[int, Directive]) -> dict[int, BlockEvent]:
        directed.append(directives)
        return engine_tick(blocks, directives)

    engine_tick = hand.host.engine.tick
    monkeypatch.setattr(hand.host.engine, "tick", tick)
    other.session = Cancelling(CLOCK)
    for guest in (listening, other):
        hand.host.hear(guest, silence(3))
    hand.work()
    assert directed == [{}] * 3 and listening.hush
    hand.host.hear(listening, QUESTION[: 20 * BLOCK])
    hand.work()
    assert listening.session.speaking and not listening.hush  # it is forgotten


def barge_ins(host: Host) -> float:
    return host.metrics.registry.get_sample_value("parley_barge_in_seconds_count") or 0.0


def test_only_an_answer_that_is_cut_while_somebody_speaks_is_measured_as_a_barge_in(hand: Hand):
    cancels, speaks = hand.seat(), hand.seat()
    hand.host.hear(cancels, QUESTION[: 24 * BLOCK])
    hand.work()
    cancels.hush = True
    hand.host.hear(cancels, silence(2))
    hand.work()
    assert cancels.session.answers[0].interrupted and cancels.session.answers[0].onset > 0 and barge_ins(hand.host) == 0
    hand.host.hear(speaks, INTERRUPTED[: 30 * BLOCK])
    hand.work()
    assert speaks.session.answers[0].interrupted and barge_ins(hand.host) == 1
