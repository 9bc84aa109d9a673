"""The compatibility protocol: the order of events that existing clients need, interruptions, backchannels, cancelling."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from openai.types.realtime import RealtimeServerEvent
from parrot import Gated, Parrot
from pydantic import TypeAdapter
from serving import (
    BLOCK,
    CLOCK,
    INTERRUPTED,
    PATIENT,
    QUESTION,
    WAIT_S,
    Running,
    eventually,
    pcm16,
    receive,
    samples,
    send,
    service_of,
    serving,
    silence,
    sound,
    until,
)
from torch import Tensor
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from parley.models.duplex import BlockOutput, Directive
from parley.runtime.engine import BlockEvent
from parley.runtime.serve import call, realtime
from parley.runtime.serve.call import MOST_WORDS, Call, Socket, Told
from parley.runtime.serve.host import Beat, Guest
from parley.runtime.session import Session

EVENT = TypeAdapter(RealtimeServerEvent)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with serving() as running:
        yield running


@pytest.fixture
def client(running: Running) -> Iterator[ClientConnection]:
    with running.realtime() as client:
        created = receive(client)
        assert created["type"] == "session.created"
        EVENT.validate_python(created)
        yield client


def say(client: ClientConnection, pcm: np.ndarray) -> None:
    """Samples at 16 kHz, sent at 24 kHz."""
    faster = np.interp(np.arange(len(pcm) * 3 // 2) * 2 / 3, np.arange(len(pcm)), pcm)
    for piece in np.array_split(faster, max(1, len(faster) // 5000)):
        send(client, "input_audio_buffer.append", audio=pcm16(piece))


def kinds(events: list[dict[str, Any]]) -> list[str]:
    """The order of the types, with runs of deltas told once."""
    order = [event["type"] for event in events]
    return [kind for kind, before in zip(order, ["", *order]) if kind != before or not kind.endswith("delta")]


TURN = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
]
BEGINNING = ["response.created", "response.output_item.added", "conversation.item.added", "response.content_part.added"]
ENDING = [
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
    "response.done",
]


def test_an_answer_is_a_response_whose_events_come_in_order(client: ClientConnection):
    say(client, QUESTION)
    events = until(client, "response.done")
    order = kinds(events)
    assert order[:9] == [*TURN, *BEGINNING] and order[-6:] == ENDING
    assert (events[0]["audio_start_ms"], events[1]["audio_end_ms"]) == (2 * 80, 8 * 80)
    assert {event["item_id"] for event in events[:3]} == {events[3]["item"]["id"]} == {events[7]["previous_item_id"]}
    assert set(order[9:-6]) == {"response.output_audio.delta", "response.output_audio_transcript.delta"}
    for event in events:
        EVENT.validate_python(event)
        assert event["event_id"]
    done = events[-1]["response"]
    assert done["status"] == "completed" and done["output"][0]["content"][0]["transcript"] == "all is well here"
    words = "".join(event["delta"] for event in events if event["type"] == "response.output_audio_transcript.delta")
    assert words == "all is well here"
    audio = np.concatenate([samples(event["delta"]) for event in events if event["type"] == "response.output_audio.delta"])
    assert len(audio) % 1920 == 0 and np.abs(audio[:1920]).max() > 8000  # it begins with its first sound


def test_yielding_is_speech_started_and_a_cancelled_response(client: ClientConnection):
    say(client, INTERRUPTED)
    events = until(client, "response.done")
    assert kinds(events)[-7:] == ["input_audio_buffer.speech_started", *ENDING]
    response = events[-1]["response"]
    assert response["status"] == "cancelled" and response["status_details"]["reason"] == "turn_detected"
    assert events[-7]["audio_start_ms"] == 24 * 80
    heard = response["output"][0]["content"][0]["transcript"]
    assert "all is well here".startswith(heard) and heard != "all is well here"
    after = until(client, "conversation.item.done")
    assert kinds(after)[:2] == ["input_audio_buffer.speech_stopped", "input_audio_buffer.committed"]
    for event in [*events, *after]:
        EVENT.validate_python(event)
    until(client, "response.done")  # the parrot answers that as well


def detached() -> realtime.Realtime:
    """The protocol without a network or a guest."""
    service = service_of(Parrot())
    protocol = Call(cast(Socket, None), service.host, service.door, realtime.Realtime, "parrot").protocol
    assert isinstance(protocol, realtime.Realtime)
    return protocol


@pytest.mark.parametrize("at", [1, 5, 7, 9, 11, 16])
def test_a_turn_that_the_client_commits_while_it_is_told_is_over_and_its_rest_is_another(at: int):
    protocol, session, events = detached(), Session(CLOCK), []
    for number, block in enumerate(np.concatenate([silence(2), sound(8), silence(10)]).reshape(-1, BLOCK)):
        if number == at:
            protocol.fresh = True
            events += protocol.command({"type": "input_audio_buffer.commit"})
        session.hear(block)
        session.take()
        made = BlockEvent(np.zeros(BLOCK, np.float32), 0, "", False, 0.0, 0.0)
        events += protocol.beat(Beat(session.accept(made), 0.0, 0.0))
    for event in events:
        EVENT.validate_python(event)
    order, committed = kinds(events), TURN[2:]
    assert order == {1: [*committed, *TURN], 5: TURN + TURN, 7: TURN + TURN, 16: [*TURN, *committed]}.get(at, TURN)
    turns = [event for event in events if "speech_s" in event["type"]]
    bounds = [event.get("audio_start_ms", event.get("audio_end_ms")) for event in turns]
    assert bounds == {5: [160, 400, 400, 800], 7: [160, 560, 560, 800]}.get(at, [160, 720 if at == 9 else 800])
    assert [event["item_id"] for event in turns[::2]] == [event["item_id"] for event in turns[1::2]]


def heard(environment: np.ndarray) -> list[dict[str, Any]]:
    """What is told of it while the model is silent."""
    protocol, session, events = detached(), Session(CLOCK), []
    for block in environment.reshape(-1, BLOCK):
        session.hear(block)
        session.take()
        events += protocol.beat(Beat(session.accept(BlockEvent(np.zeros(BLOCK, np.float32), 0, "", False, 0.0, 0.0)), 0.0, 0.0))
    return events


def test_a_steady_noise_is_nobodys_turn_once_it_is_known_and_who_speaks_above_it_is_heard():
    noise, question = sound(150, level=0.0126), np.concatenate([silence(100), sound(8, level=0.08), silence(42)])
    events = heard(noise)
    assert kinds(events) == TURN and events[1]["audio_end_ms"] == 49 * 80
    events = heard(noise + question)
    assert kinds(events) == TURN * 2
    assert [events[5]["audio_start_ms"], events[6]["audio_end_ms"]] == [100 * 80, 108 * 80]
    assert kinds(heard(sound(8))) == TURN[:1]  # speech from the beginning on


def given_up(environment: np.ndarray, protocol: realtime.Realtime | None = None) -> list[dict[str, Any]]:
    """What is told of an answer that sounds from the eighth block on and is given up in the last one of what is heard."""
    protocol, session, events = protocol or detached(), Session(CLOCK), []
    blocks = environment.reshape(-1, BLOCK)
    for number, block in enumerate(blocks):
        speaking = 8 <= number < len(blocks) - 1
        session.hear(block)
        session.take()
        made = BlockEvent(0.5 * np.ones(BLOCK, np.float32) * speaking, 0, " word" * speaking, speaking, 0.0, 0.0)
        events += protocol.beat(Beat(session.accept(made), 0.0, 0.0))
    for event in events:
        EVENT.validate_python(event)
    return events


def test_without_turn_detection_yielding_is_a_cancelled_response_and_no_turn():
    protocol = detached()
    protocol.command({"type": "session.update", "session": {"audio": {"input": {"turn_detection": None}}}})
    events = given_up(np.concatenate([silence(30), sound(5, level=0.5), silence(10)]), protocol)
    assert kinds(events)[-6:] == ENDING and not [event for event in events if event["type"].startswith("input_audio_buffer")]
    assert events[-1]["response"]["status_details"]["reason"] == "turn_detected" and not protocol.user_item


@pytest.mark.parametrize("later", [1, 6, 13])
def test_a_short_stop_that_the_model_yields_to_blocks_after_it_is_what_it_yields_to(later: int):
    events = given_up(np.concatenate([silence(30), sound(5, level=0.5), silence(later)]))
    assert kinds(events)[-7:] == ["input_audio_buffer.speech_started", *ENDING] and events[-7]["audio_start_ms"] == 30 * 80
    response = events[-1]["response"]
    assert (response["status"], response["status_details"]["reason"]) == ("cancelled", "turn_detected")
    assert response["output"][0]["status"] == "incomplete"


@pytest.mark.parametrize(
    "heard", [silence(12), np.concatenate([silence(30), sound(5, level=0.5), silence(14)])], ids=["nothing", "long ago"]
)
def test_an_answer_that_the_model_gives_up_though_nobody_speaks_is_incomplete(heard: np.ndarray):
    events = given_up(heard)
    assert kinds(events)[-6:] == ENDING and not [event for event in events if event["type"].startswith("input_audio_buffer")]
    response, item = events[-1]["response"], events[-2]["item"]
    assert response["status"] == item["status"] == response["output"][0]["status"] == "incomplete"


@contextmanager
def unread() -> Iterator[Call]:
    """A call whose client reads nothing."""
    service, nobody = service_of(Parrot()), Socket(asyncio.sleep, asyncio.sleep, asyncio.sleep, lambda: None)
    own = Call(nobody, service.host, service.door, realtime.Realtime, "parrot")
    own.protocol.opened()
    yield own


def waiting(own: Call) -> list[dict[str, Any]]:
    return [json.loads(text) for item in own._outgoing if isinstance(item, Told) for text in item.texts]


def test_what_the_model_has_done_is_told_before_a_command_changes_how_it_is_told():
    async def talk() -> tuple[list[dict[str, Any]], bool]:
        with unread() as own:
            session = Session(CLOCK)
            for speaking in (False, True, True):
                session.hear(silence(1))
                session.take()
                made = BlockEvent(np.full(BLOCK, 0.5 * speaking, np.float32), 0, "", speaking, 0.0, 0.0)
                own._tell(Beat(session.accept(made), 0.0, 0.0))
            for command in ("response.create", "response.cancel"):
                await own._take(json.dumps({"type": command}))
            assert own.guest
            return waiting(own), own.guest.hush

    events, hushed = asyncio.run(talk())
    assert kinds(events) == [*BEGINNING, "response.output_audio.delta", "error"] and hushed
    assert events[-1]["error"]["code"] == "conversation_already_has_active_response"


def test_a_response_that_is_cancelled_before_it_begins_is_stopped_if_it_begins_at_this_moment():
    async def talk() -> tuple[list[dict[str, Any]], Guest]:
        with unread() as own:
            await own._take(json.dumps({"type": "session.update", "session": {"audio": {"input": {"turn_detection": None}}}}))
            for command in ("response.create", "response.cancel"):
                await own._take(json.dumps({"type": command}))
            assert own.guest
            return waiting(own), own.guest

    events, guest = asyncio.run(talk())
    assert kinds(events) == ["session.updated", "response.created", "response.done"]
    for speaking, wanted in ((True, Directive.SHIFT), (False, Directive.STAY)):  # after the pass that was under way
        guest.session = cast(Session, SimpleNamespace(speaking=speaking, blocks=1))
        assert guest.directive() == wanted


def test_a_cancel_that_comes_too_late_for_its_response_does_not_stop_the_next_one():
    async def talk() -> list[dict[str, Any]]:
        with unread() as own:
            await own._take(json.dumps({"type": "response.create"}))
            first = waiting(own)[-1]["response"]["id"]
            for name in (first, first, None):
                await own._take(json.dumps({"type": "response.cancel", "response_id": name}))
                await own._take(json.dumps({"type": "response.create"}))
            return waiting(own)

    events = asyncio.run(talk())
    created, done = ["response.created"], ["response.done", "response.created"]
    assert kinds(events) == [*created, *done, "error", "error", *done]
    assert [event["error"]["code"] for event in events if event["type"] == "error"] == [
        "response_cancel_not_active",
        "conversation_already_has_active_response",
    ]


def test_words_without_end_are_refused_and_their_replies_do_not_pile_up():
    async def talk(*messages: dict[str, Any]) -> tuple[list[str], str]:
        with unread() as own:
            for message in messages:
                await own._take(json.dumps(message))
            return [event["error"]["code"] if event["type"] == "error" else event["type"] for event in waiting(own)], own.reason

    long = {"type": "session.update", "session": {"instructions": "x" * MOST_WORDS}}
    assert asyncio.run(talk(long)) == (["message_too_large"], "")
    sound = {"type": "input_audio_buffer.append", "audio": pcm16(silence(300))}  # it is not counted
    assert asyncio.run(talk(sound)) == ([], "")
    text = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x" * (MOST_WORDS - 1000)}]}
    told, reason = asyncio.run(talk(*[{"type": "conversation.item.create", "item": text}] * 10))
    assert told == 10 * TURN[3:] and reason == "too_slow"


def beat(block: int) -> Beat:
    session = Session(CLOCK, blocks=block)
    session.hear(silence(1))
    session.take()
    return Beat(session.accept(BlockEvent(np.zeros(BLOCK, np.float32), 0, "", False, 0.0, 0.0)), 0.0, 0.0)


def test_what_a_client_has_not_read_is_counted_in_blocks_whatever_it_is_told_beside_them():
    async def talk() -> tuple[str, str]:
        with unread() as own:
            own.limits = replace(PATIENT, unread_s=0.4)
            for _ in range(20):
                await own._take(json.dumps({"type": "session.update", "session": {}}))
            for block in range(5):
                own._tell(beat(block))
                await own._take(json.dumps({"type": "session.update", "session": {}}))
            before = own.reason
            own._tell(beat(5))
            return before, own.reason

    assert asyncio.run(talk()) == ("", "too_slow")


def test_how_slowly_a_client_reads_is_not_the_servers_overhead(monkeypatch: pytest.MonkeyPatch):
    now, spent = [100.0], []

    async def send_text(text: str) -> None:
        now[0] += 5.0

    async def talk() -> None:
        with unread() as own:
            own.socket = replace(own.socket, send_text=send_text)
            monkeypatch.setattr(call, "time", SimpleNamespace(monotonic=lambda: now[0]))
            monkeypatch.setattr(own.host.metrics.overhead, "observe", spent.append)
            own._push(Told(["{}"], size=2))
            for block in range(3):
                own._push(Told(["{}"], replace(beat(block), due=99.0 + 0.08 * block)))
            own._blocks = 3
            sending = asyncio.create_task(own._send())
            while own._outgoing:
                await asyncio.sleep(0)
            sending.cancel()

    asyncio.run(talk())
    assert spent == [0.0] * 3  # all else stands still


def test_of_an_item_whose_sound_is_none_nothing_is_heard():
    async def talk() -> int:
        with unread() as own:
            content = [{"type": "input_audio", "audio": audio} for audio in (pcm16(sound(3)), "%%%")]
            item = {"type": "message", "role": "user", "content": content}
            await own._take(json.dumps({"type": "conversation.item.create", "event_id": "mine", "item": item}))
            error = waiting(own)[-1]["error"]
            assert (error["code"], error["event_id"]) == ("invalid_audio", "mine") and own.guest
            return own.guest.received

    assert asyncio.run(talk()) == 0


def test_a_backchannel_emits_nothing(client: ClientConnection):
    say(client, np.concatenate([QUESTION[: 20 * BLOCK], sound(4, level=0.05), silence(24)]))
    until(client, "response.created")
    events = until(client, "response.done")
    assert events[-1]["response"]["status"] == "completed"
    assert not [event for event in events if event["type"].startswith("input_audio_buffer")]


def test_a_client_can_cancel(client: ClientConnection):
    say(client, QUESTION[: 20 * BLOCK])
    until(client, "response.output_audio.delta")
    send(client, "response.cancel")
    say(client, silence(3))
    done = until(client, "response.done")[-1]["response"]
    assert done["status"] == "cancelled" and done["status_details"]["reason"] == "client_cancelled"
    item = done["output"][0]["id"]
    send(client, "conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=200)
    assert until(client, "conversation.item.truncated")[-1]["audio_end_ms"] == 200
    send(client, "conversation.item.retrieve", item_id=item)
    assert until(client, "conversation.item.retrieved")[-1]["item"]["content"][0]["transcript"] in ("", "all")
    send(client, "response.cancel")
    assert until(client, "error")[-1]["error"]["code"] == "response_cancel_not_active"


@pytest.mark.parametrize("first", ["response.cancel", "conversation.item.truncate"])
def test_what_a_client_says_it_has_played_holds_though_the_response_is_not_over_yet(
    client: ClientConnection, first: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Call, "coast", lambda *_: None)  # the answer does not go on by itself
    say(client, QUESTION[: 24 * BLOCK])
    item = until(client, "response.output_item.added")[-1]["item"]["id"]
    heard = ""
    while len(heard.split()) < 2:
        heard += until(client, "response.output_audio_transcript.delta")[-1]["delta"]
    commands = {"conversation.item.truncate": {"item_id": item, "content_index": 0, "audio_end_ms": 200}, "response.cancel": {}}
    for kind in sorted(commands, key=lambda kind: kind != first):
        send(client, kind, **commands[kind])
    say(client, silence(3))
    events = until(client, "response.done")
    assert [event["audio_end_ms"] for event in events if event["type"] == "conversation.item.truncated"] == [200]
    (content,) = events[-1]["response"]["output"][0]["content"]
    assert content["transcript"] == "all"
    send(client, "conversation.item.retrieve", item_id=item)
    assert until(client, "conversation.item.retrieved")[-1]["item"]["content"] == [content]


def test_a_client_that_stops_sending_after_its_question_gets_its_answer(client: ClientConnection):
    say(client, QUESTION[: 8 * BLOCK])
    send(client, "input_audio_buffer.commit")
    send(client, "response.create")
    events = until(client, "response.done")
    assert kinds(events)[0] == "input_audio_buffer.committed" and events[-1]["response"]["status"] == "completed"


def test_an_answer_goes_on_to_its_end_and_can_be_cancelled_while_the_client_sends_nothing(
    client: ClientConnection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(realtime, "COAST_S", 1.5)  # the answer, which takes 2 s more, begins before it is over
    for cancelled in (False, True):
        say(client, sound(6))
        send(client, "response.create")
        until(client, "response.created")
        if cancelled:
            send(client, "response.cancel")
        assert until(client, "response.done")[-1]["response"]["status"] == ("cancelled" if cancelled else "completed")
    say(client, QUESTION[: 20 * BLOCK])
    until(client, "response.output_audio.delta")
    send(client, "response.cancel")  # nothing asked for silence before
    assert until(client, "response.done")[-1]["response"]["status"] == "cancelled"


def test_silence_comes_at_real_time_however_often_it_is_asked_for(running: Running, client: ClientConnection):
    for _ in range(12):
        send(client, "input_audio_buffer.append", audio=pcm16(silence(1)))
        send(client, "input_audio_buffer.commit")
        until(client, "conversation.item.done")
    (guest,) = [call.guest for call in running.service.calls if call.guest]
    began, blocks = time.monotonic(), guest.session.blocks
    while guest.session.blocks < blocks + 15:
        time.sleep(0.01)
    assert time.monotonic() - began > 0.4 * 15 * 0.08  # and not a twelfth of it; what a busy machine has delayed is made up for


@pytest.fixture
def coasted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[float, int]]]:
    """Coasts for 15 s from second 100 on, on a clock on which every wake is late: when silence came, and how many samples.

    The argument: what is not yet heard at each time, in seconds.
    """
    now, heard = [100.0], []
    service, sleep_really, own = service_of(Parrot()), asyncio.sleep, threading.current_thread()

    async def sleep(seconds: float) -> None:
        if threading.current_thread() is not own:  # a server of another test may not have ended yet
            return await sleep_really(seconds)
        now[0] += seconds + 0.02

    async def coast(backlog_s: Callable[[float], float]) -> None:
        nobody = cast(Socket, None)
        talk = Call(nobody, service.host, service.door, realtime.Realtime, "parrot")
        talk.guest = service.host.join(lambda event: None)
        monkeypatch.setattr(Guest, "backlog_s", property(lambda guest: backlog_s(now[0])))
        talk.coast(15.0)
        assert talk._coasting
        await talk._coasting

    def run(backlog_s: Callable[[float], float]) -> list[tuple[float, int]]:
        asyncio.run(coast(backlog_s))
        return heard

    monkeypatch.setattr(call, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(service.host, "hear", lambda guest, pcm: heard.append((now[0], len(pcm))))
    return run


def test_silence_comes_neither_faster_nor_slower_than_real_time_though_every_wake_is_late(coasted: Callable[..., list[tuple[float, int]]]):
    heard = coasted(lambda now: 0.0)
    assert [length for _, length in heard] == [BLOCK] * len(heard) and len(heard) >= 15 / 0.08 - 1
    lag = [when - 100.0 - 0.08 * (number + 1) for number, (when, _) in enumerate(heard)]
    assert -1e-6 < min(lag) and max(lag) < 0.02 + 1e-6


def test_silence_goes_on_for_its_time_after_what_takes_longer_than_that_to_be_heard(coasted: Callable[..., list[tuple[float, int]]]):
    heard = coasted(lambda now: max(0.0, 120.0 - now))
    assert heard[0][0] > 119 and len(heard) >= 15 / 0.08 - 1


@pytest.mark.parametrize("trailing", [False, True], ids=["nothing", "a late piece after the commit"])
def test_an_answer_is_not_stopped_by_a_client_that_sends_nothing_while_it_plays(client: ClientConnection, trailing: bool):
    say(client, QUESTION[: 11 * BLOCK])  # in the last of these blocks the model decides to speak
    if trailing:
        send(client, "input_audio_buffer.commit")
        say(client, silence(1))
    events = until(client, "response.done")
    assert events[-1]["response"]["status"] == "completed"


def test_sound_that_comes_in_long_pieces_is_not_mixed_with_silence(running: Running, client: ClientConnection):
    say(client, QUESTION[: 11 * BLOCK])
    until(client, "response.created")
    (guest,) = [call.guest for call in running.service.calls if call.guest]
    for _ in range(3):
        send(client, "input_audio_buffer.append", audio=pcm16(silence(12)))  # 640 ms at 24 kHz
        time.sleep(0.6)
    assert guest.received == 11 * BLOCK + 3 * 12 * BLOCK * 2 // 3
    until(client, "response.done")


def test_a_request_to_respond_is_answered_at_once_and_the_answer_goes_on_in_it(client: ClientConnection):
    send(client, "response.create", response={"metadata": {"client_event_id": "mine"}})
    created = receive(client)
    EVENT.validate_python(created)
    assert created["type"] == "response.created" and created["response"]["metadata"] == {"client_event_id": "mine"}
    send(client, "response.create", event_id="second")
    error = receive(client)["error"]
    assert (error["code"], error["event_id"]) == ("conversation_already_has_active_response", "second")
    say(client, QUESTION)
    events = until(client, "response.done")
    assert kinds(events)[:8] == [*TURN, *BEGINNING[1:]]
    assert {event["response_id"] for event in events if "response_id" in event} == {created["response"]["id"]}
    assert events[-1]["response"]["id"] == created["response"]["id"] and events[-1]["response"]["status"] == "completed"
    assert events[-1]["response"]["metadata"] == {"client_event_id": "mine"}


def test_a_request_that_the_model_does_not_answer_ends_all_the_same(client: ClientConnection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(realtime, "ANSWER_S", 0.5)
    for cancelled in (False, True):
        send(client, "response.create")
        if cancelled:
            send(client, "response.cancel")
        events = until(client, "response.done")
        for event in events:
            EVENT.validate_python(event)
        assert kinds(events) == ["response.created", "response.done"] and events[1]["response"]["output"] == []
        assert events[1]["response"]["status"] == ("cancelled" if cancelled else "incomplete")
    send(client, "response.create", response={"conversation": "none"})
    assert receive(client)["error"]["param"] == "response.conversation"


@pytest.mark.parametrize("turns", [None, {"type": "semantic_vad"}], ids=["by hand", "the model decides"])
def test_a_question_that_is_heard_for_longer_than_an_answer_may_take_gets_its_answer(client: ClientConnection, turns: Any):
    send(client, "session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": turns}}})
    receive(client)
    content = [{"type": "input_audio", "audio": pcm16(np.concatenate([silence(170), sound(6)]))}]  # 9.4 s at 24 kHz
    send(client, "conversation.item.create", item={"type": "message", "role": "user", "content": content})
    send(client, "response.create")
    assert until(client, "response.done")[-1]["response"]["status"] == "completed"


@pytest.mark.parametrize(
    "turns, then, done",
    [
        ({}, ["response.create"], False),
        ({}, ["response.create", "response.cancel"], False),
        (None, ["response.create"], False),
        (None, ["input_audio_buffer.commit"], True),
        (None, ["input_audio_buffer.commit", "item", "response.create"], True),
    ],
)
def test_no_silence_is_put_into_speech_until_the_client_says_that_it_is_over(turns: Any, then: list[str], done: bool):
    async def talk() -> float:
        with unread() as own:
            item = {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": pcm16(silence(3))}]}
            await own._take(json.dumps({"type": "session.update", "session": {"audio": {"input": {"turn_detection": turns}}}}))
            await own._take(json.dumps({"type": "input_audio_buffer.append", "audio": pcm16(silence(3))}))
            for kind in then:
                await own._take(json.dumps({"type": "conversation.item.create", "item": item} if kind == "item" else {"type": kind}))
            return own._sends_until

    assert (asyncio.run(talk()) == 0.0) == done


def test_an_answer_is_not_held_back_by_what_was_cleared():
    async def talk() -> tuple[Guest, realtime.Realtime]:
        with unread() as own:
            await own._take(json.dumps({"type": "session.update", "session": {"audio": {"input": {"turn_detection": None}}}}))
            await own._take(json.dumps({"type": "input_audio_buffer.append", "audio": pcm16(silence(75))}))
            await own._take(json.dumps({"type": "response.create"}))
            assert own.guest and isinstance(own.protocol, realtime.Realtime) and own.protocol.response
            assert own.guest.bidden == own.protocol.response.asked == 50
            await own._take(json.dumps({"type": "input_audio_buffer.clear"}))
            return own.guest, own.protocol

    guest, protocol = asyncio.run(talk())
    assert protocol.response and guest.bidden == protocol.response.asked == 0 and guest.directive() == Directive.FREE


@pytest.mark.parametrize("turns", [None, {"type": "server_vad", "create_response": False}], ids=["off", "no responses"])
def test_who_answers_by_hand_is_answered_on_request_alone(client: ClientConnection, turns: dict[str, Any] | None):
    send(client, "session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": turns}}})
    updated = receive(client)
    EVENT.validate_python(updated)
    told = updated["session"]["audio"]["input"]["turn_detection"]
    assert told is None if turns is None else (told["type"], told["create_response"]) == ("server_vad", False)
    for _ in range(2):
        say(client, QUESTION[: 30 * BLOCK])  # long enough for an answer
        send(client, "input_audio_buffer.commit")
        before = until(client, "input_audio_buffer.committed" if turns is None else "input_audio_buffer.speech_stopped")
        assert not [event for event in before if event["type"].startswith("response")]
        if turns is None:
            assert kinds(before) == ["input_audio_buffer.committed"]
        send(client, "response.create")
        assert until(client, "response.done")[-1]["response"]["status"] == "completed"


def test_who_asks_for_little_eagerness_is_waited_for(client: ClientConnection, monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []
    step = Parrot.step

    def watched(self: Parrot, environment: Tensor, state: Any, active: Tensor, directive: Tensor | None = None) -> BlockOutput:
        asked.extend([] if directive is None else directive[active].tolist())
        return step(self, environment, state, active, directive)

    monkeypatch.setattr(Parrot, "step", watched)
    for eagerness, patient in (("low", True), ("high", False)):
        turns = {"type": "semantic_vad", "eagerness": eagerness}
        send(client, "session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": turns}}})
        assert until(client, "session.updated")[-1]["session"]["audio"]["input"]["turn_detection"]["eagerness"] == eagerness
        asked.clear()
        say(client, QUESTION[: 30 * BLOCK])
        until(client, "response.done")
        assert (int(Directive.PATIENT) in asked) == patient


def test_who_asks_for_text_gets_the_words_alone(client: ClientConnection):
    send(client, "session.update", session={"type": "realtime", "output_modalities": ["text"]})
    assert receive(client)["session"]["output_modalities"] == ["text"]
    say(client, QUESTION)
    events = until(client, "response.done")
    for event in events:
        EVENT.validate_python(event)
    assert not [kind for kind in kinds(events) if kind.startswith("response.output_audio")]
    words = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    (done,) = [event for event in events if event["type"] == "response.output_text.done"]
    part = events[-1]["response"]["output"][0]["content"][0]
    assert words == done["text"] == part["text"] == "all is well here" and part["type"] == "output_text"
    send(client, "conversation.item.truncate", item_id=done["item_id"], content_index=0, audio_end_ms=0)
    until(client, "conversation.item.truncated")  # there is nothing to cut
    send(client, "session.update", session={"type": "realtime", "output_modalities": ["smell"]})
    assert receive(client)["error"]["param"] == "session.output_modalities"


def test_what_a_user_says_in_an_item_is_heard(client: ClientConnection):
    spoken = np.interp(np.arange(9 * BLOCK * 3 // 2) * 2 / 3, np.arange(9 * BLOCK), QUESTION[: 9 * BLOCK])
    content = [{"type": "input_audio", "audio": pcm16(spoken)}]
    send(client, "conversation.item.create", item={"type": "message", "role": "user", "content": content})
    assert "audio" not in until(client, "conversation.item.done")[-1]["item"]["content"][0]
    send(client, "response.create")
    done = until(client, "response.done")[-1]["response"]
    assert done["output"][0]["content"][0]["transcript"] == "all is well here"


def test_nothing_is_committed_where_nothing_came(client: ClientConnection):
    send(client, "input_audio_buffer.commit")
    assert receive(client)["error"]["code"] == "input_audio_buffer_commit_empty"


def test_the_end_of_a_session_is_told_beforehand():
    with serving(limits=replace(PATIENT, max_minutes=5.0, drain_s=20.0)) as running, running.realtime() as client:
        created = receive(client)
        assert created["session"]["expires_at"] == pytest.approx(time.time() + 300, abs=30)
        (talk,) = running.service.calls
        loop = running.service.host._loop
        loop.call_soon_threadsafe(talk.warn_of_end)
        updated = receive(client)
        assert updated["type"] == "session.updated" and updated["session"]["expires_at"] < time.time() + 21
        loop.call_soon_threadsafe(talk.hang_up, "remote_hangup")
        error = receive(client)
        assert error["error"]["code"] == "draining" and error["error"]["retry_after_s"] > 0
        for event in (created, updated, error):
            EVENT.validate_python(event)
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=WAIT_S)


def test_a_session_that_has_reached_its_longest_time_says_so():
    with serving(limits=replace(PATIENT, max_minutes=0.01)) as running, running.realtime() as client:
        assert until(client, "error")[-1]["error"]["code"] == "session_expired"


def test_a_session_takes_what_clients_ask_for(client: ClientConnection):
    turns = {"type": "server_vad", "interrupt_response": False}
    audio = {"input": {"format": {"type": "audio/pcmu"}, "turn_detection": turns}, "output": {"format": {"type": "audio/pcmu"}}}
    send(client, "session.update", session={"type": "realtime", "instructions": "be kind", "audio": audio, "tracing": None})
    updated = until(client, "session.updated")[-1]
    EVENT.validate_python(updated)
    assert updated["session"]["audio"]["input"]["turn_detection"] == {**turns, "interrupt_response": True, "create_response": True}
    assert updated["session"]["audio"]["output"]["format"] == {"type": "audio/pcmu", "rate": 8000}
    send(client, "session.update", session={"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}})
    assert until(client, "error")[-1]["error"]["param"] == "session.audio.input.format.rate"
    send(client, "conversation.item.create", item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]})
    assert kinds(until(client, "conversation.item.done")) == ["conversation.item.added", "conversation.item.done"]


def sessions_told(client: ClientConnection, **wanted: Any) -> dict[str, Any]:
    """The answer to a session.update."""
    send(client, "session.update", session=wanted)
    answer = receive(client)
    EVENT.validate_python(answer)
    return answer


def detecting(**turns: Any) -> dict[str, Any]:
    return {"audio": {"input": {"turn_detection": turns}}}


@pytest.mark.parametrize(
    "wanted, param",
    [
        ({"tools": 5}, "session.tools"),
        ({"instructions": 5}, "session.instructions"),
        ({"audio": []}, "session.audio"),
        ({"audio": {"output": {"voice": {}}}}, "session.audio.output.voice"),
        ({"audio": {"output": {"speed": "fast"}}}, "session.audio.output.speed"),
        ({"audio": {"input": {"transcription": "whisper"}}}, "session.audio.input.transcription"),
        (detecting(type=[]), "session.audio.input.turn_detection.type"),
        (detecting(type="server_vad", threshold="x"), "session.audio.input.turn_detection.threshold"),
        (detecting(type="semantic_vad", eagerness="very"), "session.audio.input.turn_detection.eagerness"),
    ],
)
def test_wrong_wishes_are_refused_and_none_of_them_holds(client: ClientConnection, wanted: dict[str, Any], param: str):
    before = sessions_told(client)["session"]
    error = sessions_told(client, **wanted)
    assert (error["type"], error["error"]["code"], error["error"]["param"]) == ("error", "invalid_value", param)
    assert sessions_told(client)["session"] == before


def test_fields_of_the_beta_are_named_as_they_are_called_now(client: ClientConnection):
    error = sessions_told(client, input_audio_format="g711_ulaw")["error"]
    assert (error["code"], error["param"]) == ("unknown_parameter", "session.input_audio_format")
    assert "session.audio.input.format" in error["message"]


def test_what_has_no_effect_is_not_granted(client: ClientConnection):
    before = sessions_told(client)["session"]
    audio = {
        "input": {"transcription": {"model": "whisper-1"}, "noise_reduction": {"type": "near_field"}, "turn_detection": {"type": "none"}},
        "output": {"voice": {"id": "v"}, "speed": 1.5},
    }
    wanted = {"instructions": "sing", "tools": [{"type": "zzz"}], "tool_choice": 5, "tracing": 5, "include": [5], "max_output_tokens": "x"}
    assert sessions_told(client, audio=audio, **wanted)["session"] == before
    assert before["audio"]["input"]["transcription"] is None and before["audio"]["output"]["voice"] == "default"


@pytest.mark.parametrize(
    "item, param",
    [
        ({}, "item.type"),
        ({"type": "zzz"}, "item.type"),
        ({"type": "message", "role": "user"}, "item.content"),
        ({"type": "message", "role": "nobody", "content": []}, "item.role"),
        ({"type": "message", "role": "user", "content": ["hi"]}, "item.content[0]"),
        ({"type": "message", "role": "user", "content": [{"type": "input_text", "text": 5}]}, "item.content[0].text"),
        ({"type": "message", "role": "system", "content": [{"type": "input_audio"}]}, "item.content[0].type"),
        ({"type": "message", "role": "user", "content": [], "id": 5}, "item.id"),
        ({"type": "function_call_output", "output": "4"}, "item.call_id"),
    ],
)
def test_items_that_are_none_are_refused(client: ClientConnection, item: dict[str, Any], param: str):
    send(client, "conversation.item.create", item=item)
    error = receive(client)
    EVENT.validate_python(error)
    assert error["type"] == "error" and error["error"]["param"] == param


@pytest.mark.parametrize(
    "item",
    [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}, {"type": "input_image"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "hi"}], "status": "odd"},
        {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "hi"}], "id": "mine"},
        {"type": "function_call", "call_id": "c", "name": "add", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "4"},
    ],
)
def test_items_are_kept_with_their_words(client: ClientConnection, item: dict[str, Any]):
    send(client, "conversation.item.create", item=item)
    events = until(client, "conversation.item.done")
    assert kinds(events) == ["conversation.item.added", "conversation.item.done"]
    name = events[0]["item"]["id"]
    assert name == item.get("id", name)
    send(client, "conversation.item.retrieve", item_id=name)
    events += until(client, "conversation.item.retrieved")
    for event in events:
        EVENT.validate_python(event)
        assert [part.get("text") for part in event["item"].get("content", [])] == [part.get("text") for part in item.get("content", [])]


def test_items_have_a_place_and_a_name_of_their_own(client: ClientConnection):
    def create(name: str, **where: str) -> dict[str, Any]:
        item = {"id": name, "type": "message", "role": "user", "content": [{"type": "input_text", "text": name}]}
        send(client, "conversation.item.create", item=item, **where)
        answer = receive(client)
        EVENT.validate_python(answer)
        if answer["type"] == "error":
            return answer["error"]
        assert receive(client)["previous_item_id"] == answer["previous_item_id"]  # conversation.item.done
        return answer

    assert create("a")["previous_item_id"] is None
    assert create("b")["previous_item_id"] == "a"
    assert create("first", previous_item_id="root")["previous_item_id"] is None
    assert create("middle", previous_item_id="a")["previous_item_id"] == "a"
    assert (create("a")["code"], create("c", previous_item_id="nobody")["param"]) == ("item_create_duplicate_item_id", "previous_item_id")
    for name in ("b", "b"):  # the second time it is gone already
        send(client, "conversation.item.delete", item_id=name)
        assert receive(client)["item_id"] == name
    assert create("d")["previous_item_id"] == "middle"
    say(client, QUESTION)
    events = until(client, "response.done")
    before = [event["previous_item_id"] for event in events if event["type"] == "conversation.item.done"]
    assert before == ["d", events[0]["item_id"]]  # the user's, then the model's


def test_an_update_is_answered_with_what_held_then_however_soon_the_next_one_comes(client: ClientConnection):
    for eagerness in ("low", "high"):
        send(client, "session.update", session=detecting(type="semantic_vad", eagerness=eagerness))
    told = [receive(client)["session"]["audio"]["input"]["turn_detection"]["eagerness"] for _ in range(2)]
    assert told == ["low", "high"]


def test_cleared_input_is_not_heard():
    parrot = Gated()
    with serving(parrot) as running, running.realtime() as client:
        receive(client)
        say(client, QUESTION[: 8 * BLOCK])  # the first block, which is silent, is in a pass
        send(client, "input_audio_buffer.clear")
        assert receive(client)["type"] == "input_audio_buffer.cleared"
        parrot.gate.set()
        say(client, silence(20))
        (guest,) = [call.guest for call in running.service.calls if call.guest]
        eventually(lambda: guest.session.blocks > 18)
        assert guest.session.blocks + guest.backlog_s / 0.08 < 23 and not guest.session.answers


def test_the_answer_ends_when_no_user_is_heard_though_its_audio_was_short():
    class Terse(Parrot):
        """Its words would take longer than its sound."""

        def piece(self, token: int) -> str:
            return super().piece(token) * 9

    with serving(Terse()) as running, running.realtime() as client:
        receive(client)
        say(client, QUESTION)
        assert until(client, "response.done")[-1]["response"]["status"] == "incomplete"
