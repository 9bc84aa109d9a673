"""Faults that the server survives. After each a new session works, and plays bit for bit what a fresh server would."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from parrot import Parrot
from serving import (
    BLOCK,
    CLOCK,
    PATIENT,
    QUESTION,
    WAIT_S,
    Running,
    dialogue,
    eventually,
    hear,
    pcm16,
    played,
    receive,
    send,
    serving,
    silence,
    start,
    until,
)
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed
from websockets.protocol import OPEN
from websockets.sync.client import ClientConnection, connect
from websockets.uri import parse_uri

from parley.runtime.serve.host import Beat, Event, Guest

PER_S, STORM_S = 200, 10  # connections that come and go


@pytest.fixture(scope="module")
def fresh() -> np.ndarray:
    with serving() as running:
        return dialogue(running)


@pytest.fixture
def running(fresh: np.ndarray) -> Iterator[Running]:
    """A server with limits that a test can reach; afterwards it must be as good as new."""
    limits = replace(PATIENT, message_kib=16, ping_s=1.0)
    with serving(Trapped(), limits) as running:
        yield running
        eventually(lambda: running.service.host.seated == 0 and not running.service.host._guests)
        np.testing.assert_array_equal(dialogue(running), fresh)
        assert running.service.health()[0] == 200


class Trapped(Parrot):
    """Fails, after it has written its state, when somebody shouts."""

    def step(self, environment, state, active, directive=None):
        output = super().step(environment, state, active, directive)
        if (environment.abs().amax(1) > 0.95).any():
            raise RuntimeError("shouted at")
        return output


def raw(running: Running, path: str = "/v1/live/sessions") -> tuple[socket.socket, ClientProtocol]:
    """A connection whose peer does nothing by itself: it answers no ping, and reads only when it is told."""
    protocol = ClientProtocol(parse_uri(f"ws://{running.place}{path}"))
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    connection.connect(("127.0.0.1", int(running.place.rpartition(":")[2])))
    protocol.send_request(protocol.connect())
    write(connection, protocol)
    while not protocol.events_received():
        protocol.receive_data(connection.recv(4096))
    return connection, protocol


def write(connection: socket.socket, protocol: ClientProtocol) -> None:
    for data in protocol.data_to_send():
        connection.sendall(data)


def tell(connection: socket.socket, protocol: ClientProtocol, **event: object) -> None:
    protocol.send_text(json.dumps(event).encode())
    write(connection, protocol)


def test_a_client_killed_mid_sentence(running: Running):
    client = running.live()
    start(client)
    hear(client, QUESTION[: 18 * BLOCK])
    client.socket.shutdown(socket.SHUT_RDWR)
    eventually(lambda: running.service.host.seated == 0)


def test_a_half_open_socket_is_found_by_the_ping_it_does_not_answer(fresh: np.ndarray):
    with serving(limits=replace(PATIENT, idle_s=1e5, ping_s=1.0)) as running:
        connection, protocol = raw(running)
        connection.settimeout(WAIT_S)
        tell(connection, protocol, type="session.start", session={"model": "m"})
        while data := connection.recv(4096):
            protocol.receive_data(data)
        assert protocol.close_rcvd and (protocol.close_rcvd.code, protocol.close_rcvd.reason) == (1011, "keepalive ping timeout")
        eventually(lambda: running.service.host.seated == 0)
        connection.close()
        np.testing.assert_array_equal(dialogue(running), fresh)


def test_a_client_whose_sound_waits_to_be_read_is_not_taken_for_dead(fresh: np.ndarray):
    with ExitStack() as stack:
        running = stack.enter_context(serving(limits=replace(PATIENT, ahead_s=0.5, ping_s=0.5)))
        live, ahead = (stack.enter_context(running.live(max_queue=None)) for _ in range(2))  # which answer every ping
        start(live)
        start(ahead)
        for piece in np.array_split(silence(80), 40):  # 6.4 s at once; while another talks no more is heard of it than at real time
            send(ahead, "session.input_audio.append", audio=pcm16(piece))
        eventually(lambda: any(guest.received for guest in running.service.host._guests))
        (guest,) = [each for each in running.service.host._guests if each.received]
        while guest.session.blocks < 80 and guest in running.service.host._guests:
            send(live, "session.input_audio.append", audio=pcm16(silence(1)))
            time.sleep(CLOCK.block_ms / 1000)
        send(ahead, "session.close")
        assert until(ahead, "session.closed")[-1]["usage"]["seconds"] == pytest.approx(6.4)


def test_a_client_that_never_reads_is_cut_off_and_the_others_go_on(fresh: np.ndarray):
    with serving(limits=replace(PATIENT, unread_s=4.0)) as running:
        host = running.service.host
        connection, protocol = raw(running)
        tell(connection, protocol, type="session.start", session={"model": "m"})
        connection.settimeout(60)
        with ThreadPoolExecutor() as others:
            other = others.submit(dialogue, running)  # meanwhile
            with pytest.raises(OSError):  # it is cut off while it still talks
                for _ in range(2000):
                    tell(connection, protocol, type="session.input_audio.append", audio=pcm16(silence(4)))
            np.testing.assert_array_equal(other.result(), fresh)
        eventually(lambda: host.seated == 0)
        assert 'parley_refused_total{code="too_slow"} 1.0' in host.metrics.page().decode()
        connection.close()


def test_a_client_that_reads_none_of_its_errors_is_cut_off(fresh: np.ndarray):
    with serving(limits=replace(PATIENT, ping_s=1e5)) as running:
        connection, protocol = raw(running)
        tell(connection, protocol, type="session.start", session={"model": "m"})
        connection.settimeout(WAIT_S)
        with pytest.raises(ConnectionError):  # it is cut off; no timeout of its own
            for _ in range(100_000):
                tell(connection, protocol, type="none")
        ended = running.service.host.metrics.page
        eventually(lambda: b"parley_sessions_ended_total{" in ended())
        assert b'parley_sessions_ended_total{reason="too_slow"} 1.0' in ended()
        connection.close()
        np.testing.assert_array_equal(dialogue(running), fresh)


BAD = [
    ("", "invalid_json"),
    ("{", "invalid_json"),
    ("[]", "invalid_json"),
    *((f'{{"type": "session.update", "session": {number}}}', "invalid_json") for number in ("NaN", "-Infinity", "1e999")),
    ("null", "invalid_json"),
    ('{"type": 5}', "invalid_json"),
    ("[" * 8000, "invalid_json"),
    (b"\x00\x01", "invalid_json"),
    ("x" * 20000, "message_too_large"),
    ("," * 10001, "message_too_large"),
    ('{"type": "session.close", "event_id": "' + 600 * "x" + '"}', "message_too_large"),
    ('{"type": "session.dance"}', "unknown_event"),
    ('{"type": "session.start", "session": {"model": "m"}}', "session_already_started"),
    ('{"type": "session.input_audio.append"}', "invalid_audio"),
    ('{"type": "session.input_audio.append", "audio": "%%%"}', "invalid_audio"),
    ('{"type": "session.input_audio.append", "audio": "AA=="}', "invalid_audio"),
    ('{"type": "session.input_audio.append", "audio": ""}', None),
    ('{"type": "session.instructions.append", "content": "x", "delegation_id": null}', "unsupported"),
    ('{"type": "session.update", "session": {"voice": "x"}}', "unknown_parameter"),
]


def test_messages_that_are_none(running: Running, fresh: np.ndarray):
    with running.live() as client:
        for message in ('{"type": "session.input_audio.append", "audio": ""}', '{"type": "session.close"}', "what"):
            client.send(message)
            assert receive(client)["error"]["code"] in ("session_not_started", "invalid_json")
        for wrong, param in (
            ({}, "session.model"),
            ({"model": "m", "audio": {"format": {"type": "audio/pcm", "rate": 44100}}}, "session.audio.format.rate"),
            ({"model": "m", "speed": 2}, "session.speed"),
            ({"model": "m", "delegation": {"type": "nobody"}}, "session.delegation.type"),
            ({"model": "m", "delegation": {"type": "responses", "responses": 5}}, "session.delegation.responses"),
            ([], "session"),
            ({"model": 5}, "session.model"),
            ({"model": "m", "instructions": 5}, "session.instructions"),
            ({"model": "m", "input": "x"}, "session.input"),
            ({"model": "m", "store": 1}, "session.store"),
            ({"model": "m", "audio": []}, "session.audio"),
            ({"model": "m", "audio": {"format": []}}, "session.audio.format"),
            ({"model": "m", "audio": {"format": {"type": "audio/pcm", "rate": 16000, "channels": 2}}}, "session.audio.format.channels"),
            ({"model": "m", "audio": {"format": {"type": "audio/pcm", "rate": 16000.0}}}, "session.audio.format.rate"),
            ({"model": "m", "audio": {"output": 5}}, "session.audio.output"),
            ({"model": "m", "audio": {"output": {"voice": 5}}}, "session.audio.output.voice"),
            ({"model": "m", "audio": {"output": {"voice": {"id": 5}}}}, "session.audio.output.voice"),
            ({"model": "m", "audio": {"output": {"speed": 1}}}, "session.audio.output.speed"),
            ({"model": "m", "delegation": []}, "session.delegation"),
            ({"model": "m", "delegation": {"type": "client", "to": "x"}}, "session.delegation.to"),
        ):
            send(client, "session.start", session=wrong)
            assert receive(client)["error"]["param"] == param
        assert start(client)["type"] == "session.started"
        for message, code in BAD:
            client.send(message)
            if code:
                assert receive(client)["error"]["code"] == code, message
        np.testing.assert_array_equal(played(hear(client, QUESTION)), fresh)


def test_a_message_beyond_all_bounds_ends_only_its_own_connection(running: Running):
    with running.live() as client:
        start(client)
        client.send("x" * 200_000)
        with pytest.raises(ConnectionClosed) as closed:
            receive(client)
        assert closed.value.rcvd and closed.value.rcvd.code == 1009


def test_text_that_is_none_ends_only_its_own_connection(running: Running):
    with running.live() as client:
        start(client)
        client.send(b"\xff\xfe{", text=True)
        with pytest.raises(ConnectionClosed) as closed:
            receive(client)
        assert closed.value.rcvd and closed.value.rcvd.code == 1007


def test_realtime_survives_the_same(running: Running):
    with running.realtime() as client:
        receive(client)
        for message, code in (("{", "invalid_json"), ('{"type": "x"}', "unknown_event"), ('{"type": "session.update"}', "invalid_value")):
            client.send(message)
            assert receive(client)["error"]["code"] == code
        client.send("x" * 20000)
        assert receive(client)["error"]["code"] == "message_too_large"
        for audio in (None, "%%%", "AA==", "A"):
            send(client, "input_audio_buffer.append", audio=audio)
            assert receive(client)["error"]["code"] == "invalid_audio"
        send(client, "input_audio_buffer.append", audio="")  # of no effect
        for kind, fields in (
            ("conversation.item.create", {"item": 5}),
            ("conversation.item.truncate", {"item_id": [], "audio_end_ms": "x"}),
            ("conversation.item.truncate", {"item_id": "x", "audio_end_ms": True}),
            ("conversation.item.retrieve", {}),
            ("conversation.item.delete", {}),
            ("session.update", {"session": {"audio": {"input": 5}}}),
            ("session.update", {"session": {"audio": {"output": {"format": 3}}}}),
        ):
            send(client, kind, **fields)
            assert receive(client)["error"]["code"] == "invalid_value"
        send(client, "conversation.item.delete", item_id="nobody")
        assert receive(client)["type"] == "conversation.item.deleted"


async def come_and_go(place: str, number: int) -> None:
    """Connects; every third one seats itself first, every other one leaves without a word."""
    protocol = ClientProtocol(parse_uri(f"ws://{place}/v1/{'realtime' if number % 2 else 'live/sessions'}"))
    reader, writer = await asyncio.open_connection(*place.split(":"))
    protocol.send_request(protocol.connect())
    while not protocol.events_received():
        writer.writelines(protocol.data_to_send())
        protocol.receive_data(await reader.read(4096))
    assert protocol.handshake_exc is None
    if protocol.state is OPEN:  # else the server was full, and said so
        if number % 3 == 0:
            protocol.send_text(json.dumps({"type": "session.start", "session": {"model": "m"}}).encode())
        if number % 4 < 2:
            protocol.send_close()
    writer.writelines(protocol.data_to_send())
    if number % 4 < 2:
        await reader.read()  # until the server has closed, too
    writer.transport.abort()


def test_two_hundred_connections_a_second_that_come_and_go(running: Running):
    async def storm(numbers: range) -> None:
        few = asyncio.Semaphore(100)  # at once: a slow machine only takes longer

        async def one(number: int) -> None:
            async with few:
                await come_and_go(running.place, number)

        began = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as all_of_them:
            for place, number in enumerate(numbers):
                all_of_them.create_task(one(number))
                await asyncio.sleep(began + place / PER_S - asyncio.get_running_loop().time())

    with ExitStack() as seats:  # however fast the machine: for the first second every seat is taken
        for _ in range(running.service.host.engine.rows):
            start(seats.enter_context(running.live()))
        asyncio.run(storm(range(PER_S)))
    asyncio.run(storm(range(PER_S, PER_S * STORM_S)))
    eventually(lambda: not running.service.calls)
    page = running.service.host.metrics.page().decode()
    assert 'parley_refused_total{code="server_full"}' in page and "parley_sessions_ended_total" in page


def test_a_row_that_cannot_be_computed_ends_alone(running: Running, fresh: np.ndarray):
    with running.live() as calm, running.live() as loud:
        start(calm)
        start(loud)
        half = 12 * BLOCK
        first = hear(calm, QUESTION[:half])
        shout = np.full(BLOCK, 0.99, np.float32)
        send(loud, "session.input_audio.append", audio=pcm16(np.concatenate([silence(1), shout])))
        rest = hear(calm, QUESTION[half:])
        events = until(loud, "session.closed")
        assert [event["error"]["code"] for event in events if event["type"] == "error"] == ["engine_failure"]
        np.testing.assert_array_equal(np.concatenate([played(first), played(rest)]), fresh)


def test_rows_of_one_pass_that_fails_are_tried_again_one_by_one(running: Running):
    host = running.service.host
    engine = type(host.engine)(Trapped(), 3, careful=True)
    rows = [engine.open(), engine.open()]
    host.engine, own = engine, host.engine
    calm, shout = QUESTION[2 * BLOCK : 3 * BLOCK], np.full(BLOCK, 0.99, np.float32)
    events = host._events({rows[0]: calm, rows[1]: shout}, {})
    assert [type(events[row]).__name__ for row in rows] == ["BlockEvent", "Failed"]
    assert engine._state.heard.tolist() == [1, 0, 0]
    host.engine = own


def newcomers(running: Running, client: ClientConnection) -> list[Guest]:
    """Starts the client's session."""
    before = {call.guest for call in running.service.calls}
    start(client)
    return [call.guest for call in running.service.calls if call.guest and call.guest not in before]


@pytest.mark.parametrize("method", ["take", "accept"])
def test_a_session_that_raises_ends_alone(running: Running, fresh: np.ndarray, method: str):
    with running.live() as calm, running.live() as odd:
        start(calm)
        half = 12 * BLOCK
        first = hear(calm, QUESTION[:half])
        (guest,) = newcomers(running, odd)
        setattr(guest.session, method, None)  # calling it raises
        send(odd, "session.input_audio.append", audio=pcm16(silence(1)))
        events = until(odd, "session.closed")
        assert [event["error"]["code"] for event in events if event["type"] == "error"] == ["engine_failure"]
        rest = hear(calm, QUESTION[half:])
        np.testing.assert_array_equal(np.concatenate([played(first), played(rest)]), fresh)


def test_a_client_that_cannot_be_told_ends_alone(running: Running, fresh: np.ndarray):
    with running.live() as calm, running.live() as odd:
        start(calm)
        (guest,) = newcomers(running, odd)
        own = guest.tell

        def tell(event: Event) -> None:
            if isinstance(event, Beat):
                raise RuntimeError("deaf")
            own(event)

        guest.tell = tell
        send(odd, "session.input_audio.append", audio=pcm16(silence(1)))
        events = until(odd, "session.closed")
        assert [event["error"]["code"] for event in events if event["type"] == "error"] == ["engine_failure"]
        np.testing.assert_array_equal(played(hear(calm, QUESTION)), fresh)


SERVER = """
import sys
sys.path.insert(0, "tests")
from dataclasses import replace
from parrot import Parrot
from serving import PATIENT, service_of
from parley.runtime.serve.server import Address, run
run(service_of(Parrot(), replace(PATIENT, drain_s=1e5)), Address(port=0))
"""


@contextmanager
def process() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server in a process of its own, and the address of its Live protocol. It waits for ever for dialogues to end."""
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen([sys.executable, "-c", SERVER], stderr=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stderr
        port = json.loads(server.stderr.readline())["url"].strip("/").rpartition(":")[2]
        yield server, f"ws://127.0.0.1:{port}/v1/live/sessions"
        if server.poll() is None:
            server.kill()


def events_in_log(server: subprocess.Popen[str]) -> list[str]:
    assert server.stderr
    return [json.loads(line)["event"] for line in server.stderr]


def test_sigterm_under_load_lets_the_dialogues_end(fresh: np.ndarray):
    half = 15 * BLOCK
    with process() as (server, url), ExitStack() as open_ones, ThreadPoolExecutor() as threads:
        clients = [open_ones.enter_context(connect(url, open_timeout=120, max_size=None)) for _ in range(PATIENT.sessions)]
        assert {start(client)["type"] for client in clients} == {"session.started"}
        first = list(threads.map(lambda client: hear(client, QUESTION[:half]), clients))
        server.send_signal(signal.SIGTERM)
        assert [until(client, "info")[-1]["code"] for client in clients] == ["draining"] * len(clients)
        with connect(url, open_timeout=120) as late:
            assert start(late)["error"]["code"] == "draining"
        rest = list(threads.map(lambda client: hear(client, QUESTION[half:]), clients))
        for before, after in zip(first, rest):
            np.testing.assert_array_equal(np.concatenate([played(before), played(after)]), fresh)
        for client in clients:
            send(client, "session.close")
            assert until(client, "session.closed")[-1]["reason"] == "close_requested"
        assert server.wait(120) == 0
        events = events_in_log(server)
        assert events.count("session began") == events.count("session ended") == len(clients)
    with process() as (_, url), connect(url, open_timeout=120, max_size=None) as after:  # the next server says the same
        start(after)
        np.testing.assert_array_equal(played(hear(after, QUESTION)), fresh)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_stops_at_once_and_without_a_trace(number: signal.Signals):
    with process() as (server, url), connect(url, open_timeout=120, max_size=None) as client:
        start(client)
        server.send_signal(number)
        assert until(client, "info")[-1]["code"] == "draining"
        server.send_signal(number)
        assert server.wait(120) == 0
        assert events_in_log(server) == ["session began", "draining", "session ended"]
