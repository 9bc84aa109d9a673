"""The server and its native protocol: the order of events, honest words, who may come in, and what it tells about itself."""

import asyncio
import base64
import json
import logging
import math
import re
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import trustme
from openai import OpenAI
from openai.types import live as sdk
from parrot import LEAD, SPEECH, WAIT, Gated, Parrot
from pydantic import TypeAdapter
from serving import (
    BLOCK,
    INTERRUPTED,
    PATIENT,
    QUESTION,
    WAIT_S,
    Running,
    dialogue,
    eventually,
    hear,
    played,
    receive,
    send,
    service_of,
    serving,
    silence,
    start,
    transcript,
    until,
)
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from parley.runtime.converse import live
from parley.runtime.engine import Engine
from parley.runtime.serve import limits
from parley.runtime.serve.call import Call, Protocol, Socket
from parley.runtime.serve.host import Beat
from parley.runtime.serve.limits import Limits, read_keys
from parley.runtime.serve.live import Live
from parley.runtime.serve.metrics import JsonLines
from parley.runtime.serve.realtime import Realtime
from parley.runtime.serve.server import POLICY, SEND_BUFFER, Address, listen
from parley.runtime.serve.server import run as serve_until_stopped
from parley.runtime.session import Session

SHIFT = 2 + 6 + WAIT - 1  # the block at whose end the parrot decides to answer QUESTION


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with serving() as running:
        yield running


def fetch(running: Running, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{running.place}{path}") as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_page_comes_with_its_policy(running: Running):
    with urllib.request.urlopen(f"http://{running.place}/") as page:
        assert page.headers["Content-Security-Policy"] == POLICY and b"<title>parley" in page.read()


def test_a_session_hears_and_plays_what_the_engine_does(running: Running):
    session = Session(Engine(Parrot(), 1).clock)
    quantised = np.rint(QUESTION * 32768) / 32768
    moments = list(live(Engine(Parrot(), 1), session, iter(quantised.astype(np.float32).reshape(-1, BLOCK))))
    want = np.concatenate([moment.playing for moment in moments])
    np.testing.assert_array_equal(dialogue(running), np.rint(want * 32767))


def test_every_block_heard_is_answered_by_one_block_of_sound_at_the_clients_rate(running: Running):
    with running.live() as client:
        started = start(client, 24000)
        assert started["session"]["audio"]["format"] == {"type": "audio/pcm", "rate": 24000} and started["client_event_id"] == "mine"
        events = hear(client, np.zeros(10 * 1920, np.float32), blocks=10)
        deltas = [event for event in events if event["type"] == "session.output_audio.delta"]
        assert [len(played([event])) for event in deltas] == [1920] * 10 and all("event_id" not in event for event in deltas)


@pytest.mark.parametrize("audio", [None, {"format": None, "output": None}, {"output": {"voice": "m"}}, {"output": {"voice": {"id": "v"}}}])
def test_what_may_be_left_away_may_and_the_session_that_starts_is_one_of_the_sdk(running: Running, audio: dict | None):
    with running.live() as client:
        rest = {"delegation": {"type": "client"}, "input": None, "store": False}
        send(client, "session.start", session={"model": "m", "audio": audio, **rest})
        started = receive(client)
        TypeAdapter(sdk.ServerEvent).validate_python(started)
        voice = ((audio or {}).get("output") or {}).get("voice", "default")
        assert started["session"]["audio"] == {"format": {"type": "audio/pcm", "rate": 24000}, "output": {"voice": voice}}


@pytest.mark.parametrize("kind", ["responses", "decisions"])
def test_who_would_be_delegated_to_does_not_matter_since_nothing_is(running: Running, kind: str):
    """LiveKit's client asks for responses by default, and changes the tools of the one who answers when its own change."""
    with running.live() as client:
        send(client, "session.start", session={"model": "m", "delegation": {"type": kind, kind: {"tools": []}}})
        events = [receive(client), receive(client)]
        send(client, "session.update", event_id="mine", session={"delegation": {"type": kind, kind: {"tools": []}}, "triggers": []})
        events += [receive(client), receive(client)]
    assert [event["type"] for event in events] == ["session.started", "info", "session.updated", "info"]
    assert events[2]["session"] == events[0]["session"] and events[2]["client_event_id"] == "mine"
    assert {event["code"] for event in events[1::2]} == {"ignored"}
    for event in events:
        TypeAdapter(sdk.ServerEvent).validate_python(event)


def test_words_come_when_their_sound_does(running: Running):
    with running.live() as client:
        start(client)
        words = [event for event in hear(client, QUESTION) if event["type"] == "session.output_transcript.delta"]
    assert [event["delta"] for event in words] == [" all", " is", " well", " here"]
    first_sound_ms = (SHIFT + 1 + LEAD) * 80
    assert first_sound_ms < words[0]["start_ms"] < words[1]["start_ms"] < words[2]["start_ms"] < words[3]["start_ms"]
    assert words[2]["end_ms"] <= first_sound_ms + SPEECH * 80


def test_words_that_were_cut_are_never_told(running: Running):
    with running.live() as client:
        start(client)
        words = transcript(hear(client, INTERRUPTED[: 30 * BLOCK]))
    assert words and "all is well here".startswith(words) and words != "all is well here"


def test_muted_input_is_silence(running: Running):
    with running.live() as client:
        start(client)
        send(client, "session.input_audio.mute", event_id="m")
        assert receive(client)["type"] == "session.input_audio.muted"
        assert not played(hear(client, QUESTION)).any()
        send(client, "session.input_audio.unmute")
        assert receive(client)["type"] == "session.input_audio.unmuted"


def test_patience_is_asked_for_and_taken_back_in_words_of_our_own(running: Running):
    with running.live("?parley=1") as client:
        start(client)
        hear(client, silence(2))
        (guest,) = running.service.host._guests
        for said, patient in (({"patient": True}, True), ({"patient": False}, False), ({"patient": True}, True), ({}, False)):
            send(client, "parley.patience", **said)
            send(client, "session.update", session={})
            until(client, "session.updated")
            assert guest.patient == patient
        send(client, "parley.patience", patient="yes")
        assert until(client, "error")[-1]["error"]["param"] == "event.patient"
    with running.live() as client:
        start(client)
        send(client, "parley.patience", patient=True)
        assert until(client, "error")[-1]["error"]["code"] == "unknown_event"


def test_states_are_told_to_who_asks_for_them(running: Running):
    with running.live("?parley=1") as client:
        start(client)
        events = hear(client, INTERRUPTED)
    states = [(event["state"], event["interrupted"]) for event in events if event["type"] == "parley.state"]
    assert states[:4] == [("listening", False), ("thinking", False), ("speaking", False), ("listening", True)]
    assert sum(event["type"] == "parley.block" for event in events) >= len(INTERRUPTED) // BLOCK - 1


def test_a_session_ends_when_it_is_asked_to(running: Running):
    with running.live() as client:
        start(client)
        hear(client, silence(5))
        send(client, "session.close", event_id="bye")
        last = until(client, "session.closed")[-1]
        assert (last["reason"], last["client_event_id"]) == ("close_requested", "bye")
        with pytest.raises(ConnectionClosed) as closed:
            client.recv()
        assert closed.value.rcvd and closed.value.rcvd.code == 1000


def test_a_client_that_reads_late_is_told_all_that_it_used_when_the_session_is_closed():
    moments = list(live(Engine(Parrot(), 1), Session(Parrot().clock), iter(silence(130).reshape(-1, BLOCK))))
    told: list[dict[str, Any]] = []

    async def send_text(text: str) -> None:
        told.append(json.loads(text))

    async def close(code: int) -> None:
        told.append({"code": code})

    async def talk() -> None:
        service = service_of(Parrot())
        call = Call(Socket(asyncio.sleep, send_text, close, lambda: None), service.host, service.door, Live, "parrot")
        await call._take(json.dumps({"type": "session.start", "session": {"model": "m"}}))
        for moment in moments:
            call._tell(Beat(moment, 0.0, 0.0))
        await call._take(json.dumps({"type": "session.close", "event_id": "bye"}))
        await call._send()  # from here on it reads

    asyncio.run(talk())
    last, closed = told[-2:]
    assert last["type"] == "session.closed" and last["client_event_id"] == "bye" and closed == {"code": 1000}
    assert last["usage"] == {"seconds": pytest.approx(130 * 0.08)} and len(played(told[:-1])) == 130 * 1920
    ids = [int(event["event_id"].removeprefix("event_")) for event in told if "event_id" in event]
    assert ids == sorted(ids) and len(ids) == 3  # session.usage.updated is between


def test_a_full_server_says_so_at_once_and_a_seat_that_is_given_back_can_be_taken(running: Running):
    eventually(lambda: running.service.host.seated == 0)
    guests = [running.live() for _ in range(PATIENT.sessions)]
    assert {start(guest)["type"] for guest in guests} == {"session.started"}
    for path in (running.live, running.realtime):
        with path() as late:
            error = start(late)["error"] if path == running.live else receive(late)["error"]
            assert error["code"] == "server_full" and error["retry_after_s"] > 0
            with pytest.raises(ConnectionClosed) as closed:
                late.recv()
            assert closed.value.rcvd and closed.value.rcvd.code == 1013
    for guest in guests:
        guest.close()
    eventually(lambda: running.service.host.seated == 0)
    assert dialogue(running).any()


def test_the_subprotocol_is_answered_only_when_it_is_offered(running: Running):
    with running.realtime(subprotocols=["realtime", "openai-insecure-api-key.k"]) as client:
        assert client.subprotocol == "realtime"
    with running.realtime() as client:
        assert client.subprotocol is None


@pytest.mark.parametrize("path", ["/v1/realtime/", "/v1/live", "/"])
def test_a_socket_to_another_address_is_told_which_there_are(running: Running, path: str):
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://{running.place}{path}", open_timeout=WAIT_S)
    assert refused.value.response.status_code == 404
    assert "/v1/live/sessions" in json.loads(refused.value.response.body or b"{}")["error"]["message"]


def test_operations_are_told(running: Running):
    dialogue(running)
    status, text = fetch(running, "/healthz")
    health = json.loads(text)
    assert status == 200 and health["status"] == "ok" and health["sessions"] >= health["active_sessions"] >= 0
    assert isinstance(health["busy"], bool)
    metrics = fetch(running, "/metrics")[1]
    for name in ("tick_seconds_count", "onset_seconds_count", "overhead_seconds_count", "deadline_misses_total", "active_sessions", "rows"):
        assert f"parley_{name} " in metrics
    assert json.loads(fetch(running, "/v1/config")[1])["sessions"] == PATIENT.sessions
    offered = [each["name"] for each in json.loads(fetch(running, "/recordings")[1])]
    assert offered[0] == "question-baby" and offered[-1] == "backchannel"  # one question before three things said
    assert fetch(running, "/recordings/..%2f..%2fcli.py/input.wav")[0] == 404


def test_health_is_red_when_the_loop_is_dead():
    with serving() as running:
        running.service.host.stop()
        eventually(lambda: fetch(running, "/healthz")[0] == 503)
        with running.live() as client:
            assert start(client)["error"]["code"] == "engine_failure"


def test_health_is_red_while_a_pass_hangs_and_green_again_when_it_ends():
    parrot = Gated()
    with serving(parrot, replace(PATIENT, late_s=0.2)) as running, running.live() as client:
        start(client)
        assert fetch(running, "/healthz")[0] == 200
        send(client, "session.input_audio.append", audio="A" * 3416)  # a block, and its pass hangs
        eventually(lambda: fetch(running, "/healthz")[0] == 503)
        assert "no life" in json.loads(fetch(running, "/healthz")[1])["status"]
        with running.live() as late:
            error = start(late)["error"]
            assert error["code"] == "engine_failure" and error["retry_after_s"] > 0
        parrot.gate.set()
        eventually(lambda: fetch(running, "/healthz")[0] == 200)


def test_a_loop_that_is_late_is_red_and_lets_nobody_new_in():
    with serving(Slow(), replace(PATIENT, busy=0.9)) as running, running.live() as client:
        start(client)
        hear(client, silence(20))
        status, text = fetch(running, "/healthz")
        assert status == 503 and "late" in json.loads(text)["status"]
        with running.live() as late:
            error = start(late)["error"]
            assert error["code"] == "server_overloaded" and error["retry_after_s"] > 0


def test_an_address_may_hold_so_many_sessions():
    with serving(limits=replace(PATIENT, sessions_per_address=1)) as running, running.live() as first:
        start(first)
        with running.live() as second:
            assert start(second)["error"]["code"] == "too_many_sessions"


def test_keys_and_origins_decide_who_comes_in(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    rules = {"keys": ("secret-1", "secret-2"), "origins": ("https://friend.example",), "limits": replace(PATIENT, sessions_per_key=1)}
    with serving(**rules) as running:
        for options, status in (
            ({}, 401),
            ({"additional_headers": {"Authorization": "Bearer wrong"}}, 401),
            ({"additional_headers": {"Authorization": "Bearer secret-1"}, "origin": "https://evil.example"}, 403),
            ({"additional_headers": {"Authorization": "Bearer secret-1"}, "origin": "http://["}, 403),
        ):
            with pytest.raises(InvalidStatus) as refused:
                running.live(**options)
            assert refused.value.response.status_code == status
        first = running.live(subprotocols=["realtime", "openai-insecure-api-key.secret-2"], origin="https://friend.example")
        assert start(first)["type"] == "session.started"
        with running.live(additional_headers={"Authorization": "Bearer secret-2"}) as second:
            assert start(second)["error"]["code"] == "too_many_sessions"
        with running.live(additional_headers={"Authorization": "Bearer secret-1"}, origin=f"http://{running.place}") as other:
            assert start(other)["type"] == "session.started"
        first.close()
    told = [str(record.__dict__) for record in caplog.records]
    assert any("origin_not_allowed" in line and "https://evil.example" in line for line in told)
    assert any("session began" in line and "key 2" in line for line in told) and not any("secret" in line for line in told)


def lend(running: Running, key: str, body: str = "") -> tuple[int, dict[str, Any]]:
    address = f"http://{running.place}/v1/realtime/client_secrets"
    request = urllib.request.Request(address, body.encode(), {"Authorization": f"Bearer {key}"}, method="POST")
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_a_secret_for_a_browser_opens_until_it_expires(monkeypatch: pytest.MonkeyPatch):
    with serving(keys=("secret-1", "secret-2")) as running:
        with OpenAI(api_key="secret-2", base_url=f"http://{running.place}/v1") as official:
            made = official.realtime.client_secrets.create(expires_after={"anchor": "created_at", "seconds": 60})
        assert made.value.startswith("ek_") and "secret" not in made.value and made.session.type == "realtime"
        assert made.expires_at == pytest.approx(time.time() + 60, abs=20)
        offered = ["realtime", f"openai-insecure-api-key.{made.value}"]
        with running.realtime(subprotocols=offered) as client:
            assert receive(client)["type"] == "session.created"
        assert running.service.door.who(f"Bearer {made.value}", []) == "key 2"
        assert lend(running, made.value)[0] == lend(running, "wrong")[0] == 401
        assert lend(running, f"ek_{5000 * '9'}_{16 * '0'}_{64 * '0'}")[0] == 401
        assert lend(running, "secret-1")[1]["expires_at"] == pytest.approx(time.time() + 600, abs=20)
        for body in ('{"expires_after": {"seconds": 5}}', "{", '{"expires_after": {"seconds": "x"}}'):
            assert lend(running, "secret-1", body)[0] == 400
        assert lend(running, "secret-1", " " * 70000)[0] == 413
        changed = made.value.replace(str(made.expires_at), str(made.expires_at + 1))
        assert running.service.door.who(f"Bearer {changed}", []) is None
        monkeypatch.setattr(limits.time, "time", lambda: made.expires_at + 1.0)
        assert running.service.door.who(f"Bearer {made.value}", []) is None


def test_of_a_stranger_who_asks_for_a_secret_nothing_is_read():
    async def flood() -> AsyncIterator[bytes]:
        raise AssertionError("read")
        yield b""

    service = service_of(Parrot(), keys=("secret-1",))
    assert asyncio.run(service.lend("Bearer wrong", flood()))[0] == 401


@pytest.mark.parametrize("protocol", [Live, Realtime])
def test_a_long_message_is_read_beside_the_networks_thread(protocol: type[Protocol]):
    """Others' blocks go through that one; a minute of sound takes as long to decode as several blocks last on a slow machine."""
    kinds = {Live: "session.input_audio.append", Realtime: "input_audio_buffer.append"}
    threads: list[int] = []

    async def talk() -> int:
        service = service_of(Parrot())
        call = Call(Socket(asyncio.sleep, asyncio.sleep, asyncio.sleep, lambda: None), service.host, service.door, protocol, "parrot")
        call.protocol.opened()
        await call._take(json.dumps({"type": "session.start", "session": {"model": "m"}}))
        decode = call._decode
        call._decode = lambda audio: threads.append(threading.get_ident()) or decode(audio)  # pyright: ignore
        for seconds in (0.1, 60.0, 0.1):
            sound = base64.b64encode(bytes(2 * round(24000 * seconds))).decode()
            await call._take(json.dumps({"type": kinds[protocol], "audio": sound}))
        if protocol is Realtime:
            item = {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": 600 * sound}]}
            await call._take(json.dumps({"type": "conversation.item.create", "item": item}))
        assert call.guest
        return call.guest.received

    itself = [True, False, True, *([False] if protocol is Realtime else [])]
    assert asyncio.run(talk()) == pytest.approx((60.2 if protocol is Live else 120.2) * 16000, abs=2)
    assert [thread == threading.get_ident() for thread in threads] == itself


def test_models_are_listed_and_realtime_is_found_without_a_version_too(running: Running):
    assert [each["id"] for each in json.loads(fetch(running, "/v1/models")[1])["data"]] == ["parrot"]
    with connect(f"ws://{running.place}/realtime?model=x") as client:
        assert receive(client)["type"] == "session.created"


def test_the_log_knows_who_left_and_whose_connection_broke():
    with serving() as running:

        def ended(reason: str) -> bool:
            return f'parley_sessions_ended_total{{reason="{reason}"}} 1.0' in fetch(running, "/metrics")[1]

        with running.realtime() as client:
            receive(client)
        eventually(lambda: ended("client_left"))
        with running.realtime() as client:
            receive(client)
            client.socket.shutdown(socket.SHUT_RDWR)
        eventually(lambda: ended("connection_lost"))
        assert ended("client_left")  # and nobody more


def test_the_example_of_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    (example,) = re.findall(r"```python\n(.*?)```", Path("docs/serving.md").read_text(), re.DOTALL)
    place = tmp_path / "parley/recordings/question-color"
    place.mkdir(parents=True)
    soundfile.write(place / "input.wav", QUESTION[: 8 * BLOCK], 16000, subtype="PCM_16")
    monkeypatch.chdir(tmp_path)
    with serving(limits=replace(PATIENT, idle_s=10.0)) as running:
        exec(example.replace("localhost:8998", running.place), {})
        eventually(lambda: 'reason="close_requested"} 1.0' in fetch(running, "/metrics")[1])
    assert capsys.readouterr().out.strip() == "all is well here"


def test_the_container_is_made_of_files_that_there_are_and_of_public_places():
    dockerfile = Path("deploy/Dockerfile").read_text()
    let_through = {line.removeprefix("!") for line in Path(".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {name for line in re.findall(r"^COPY (.*) \S+$", dockerfile, re.MULTILINE) for name in line.split()}
    assert copied == let_through and all(Path(name).exists() for name in copied)
    assert set(re.findall(r"https://([^/ ]+)", dockerfile)) == {"download.pytorch.org"}


def test_who_says_nothing_is_let_go():
    with serving(limits=replace(PATIENT, idle_s=0.5, start_s=0.5)) as running:
        with running.live() as client:
            assert receive(client)["error"]["code"] == "start_timeout"
        with running.realtime() as client:
            assert until(client, "error")[-1]["error"]["code"] == "idle_timeout"
    with serving(limits=replace(PATIENT, max_minutes=0.02)) as running, running.live() as client:
        start(client)
        assert until(client, "session.closed")[-1]["reason"] == "expired"


class Slow(Parrot):
    def step(self, environment, state, active, directive=None):
        time.sleep(0.2)
        return super().step(environment, state, active, directive)


def test_who_waits_for_a_slow_model_is_not_idle():
    with serving(Slow(), replace(PATIENT, idle_s=3.0)) as running, running.live() as client:
        send(client, "session.start", session={"model": "m", "audio": {"format": {"type": "audio/pcm", "rate": 16000}}})
        assert len(played(hear(client, silence(20)))) == 20 * BLOCK  # four seconds


def test_a_late_server_drops_old_input_and_says_so():
    with serving(Slow(), replace(PATIENT, shed_ms=300)) as running, running.live() as client:
        start(client)
        for _ in range(25):
            send(client, "session.input_audio.append", audio="A" * 3416)  # a block and a bit of silence ...
            time.sleep(0.08)  # ... as from a microphone
        info = until(client, "info")[-1]
        assert info["code"] == "audio_dropped"
        assert running.service.host._guests[0].backlog_s < 1.0


def test_a_certificate_that_is_none_is_told_before_the_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    cert = tmp_path / "cert.pem"
    cert.write_text("no certificate")
    with pytest.raises(ValueError, match="cert.pem: no certificate with its key; give PEM files that fit together"):
        serve_until_stopped(service_of(Parrot()), Address(port=0, cert=cert, key=cert))
    assert "Talk at" not in capsys.readouterr().out


def test_a_session_over_tls_is_the_same(running: Running, tmp_path: Path):
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(key)
    trusting = ssl.create_default_context()
    secure = Running(service_of(Parrot()), Address(port=0, cert=cert, key=key))
    try:
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(f"wss://{secure.place}/v1/live/sessions", ssl=trusting)
        authority.configure_trust(trusting)
        with connect(f"wss://{secure.place}/v1/live/sessions", ssl=trusting, open_timeout=WAIT_S, max_size=None) as client:
            assert start(client)["type"] == "session.started"
            heard = played(hear(client, QUESTION))
        with urllib.request.urlopen(f"https://{secure.place}/healthz", context=trusting) as health:
            assert health.status == 200
    finally:
        secure.stop()
    assert np.array_equal(heard, dialogue(running)) and np.abs(heard).max() > 0


def test_a_message_does_not_wait_for_the_receipt_of_the_one_before_it():
    with listen(Address(port=0)) as own, socket.create_connection(own.getsockname()):
        accepted, _ = own.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_system_takes_only_seconds_of_sound_that_a_client_does_not_read():
    with listen(Address(port=0)) as own, socket.create_connection(own.getsockname()):
        accepted, _ = own.accept()
        with accepted:  # a system may double what it is told, for its own bookkeeping
            assert SEND_BUFFER <= accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * SEND_BUFFER


def test_an_address_that_cannot_be_had_is_refused(running: Running, tmp_path: Path):
    with pytest.raises(ValueError, match="cannot be listened on .* choose another --port"):
        listen(Address(port=int(running.place.rpartition(":")[2])))
    with pytest.raises(ValueError, match="no such file"):
        Address(cert=tmp_path / "none.pem", key=tmp_path / "none.pem")
    (tmp_path / "cert.pem").touch()
    with pytest.raises(ValueError, match="go together"):
        Address(cert=tmp_path / "cert.pem")
    with pytest.raises(ValueError, match="--port is 99999"):
        Address(port=99999)
    assert Address("fd00::1").url == "http://[fd00::1]:8998/"
    with pytest.raises(ValueError, match="no folder with an index.html"):
        replace(running.service, web=tmp_path / "none")


def test_a_host_that_nobody_knows_is_refused_in_the_resolvers_words(monkeypatch: pytest.MonkeyPatch):
    def unknown(*_: object, **__: object) -> socket.socket:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "create_server", unknown)
    with pytest.raises(ValueError, match=r"nohost:8998: cannot be listened on \(Name or service not known\)"):
        listen(Address("nohost"))


@pytest.mark.parametrize("content, wrong", [("", "holds no key"), ("# nothing\n\n", "holds no key"), ("ok\na/b=", "key 2 cannot be sent")])
def test_a_file_of_keys_that_cannot_be_used_is_refused(tmp_path: Path, content: str, wrong: str):
    (tmp_path / "keys").write_text(content)
    with pytest.raises(ValueError, match=wrong):
        read_keys(tmp_path / "keys")


def test_limits_that_make_no_sense_are_refused():
    nonsense = {"sessions": 0}, {"max_minutes": 0.0}, {"max_minutes": math.inf}, {"busy": math.nan}, {"drain_s": math.inf}, {"shed_ms": -1}
    for wrong in nonsense:
        with pytest.raises(ValueError, match="--"):
            Limits(**wrong)


def test_a_log_line_is_json_with_its_fields():
    record = logging.LogRecord("x", logging.INFO, "f", 1, "session began", None, None)
    record.fields = {"session": "s"}
    line = json.loads(JsonLines().format(record))
    assert line["event"] == "session began" and line["session"] == "s" and line["level"] == "info"


def test_the_dashboard_shows_every_series_that_there_is(running: Running):
    shown = {name.removesuffix("_bucket") for name in re.findall(r"parley_[a-z_]+", Path("deploy/grafana.json").read_text())}
    told = re.findall(r"# TYPE (parley_[a-z_]+) ", fetch(running, "/metrics")[1])
    assert shown == {name for name in told if not name.endswith("_created")}
