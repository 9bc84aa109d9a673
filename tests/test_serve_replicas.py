"""Two replicas under Ray Serve on this machine: sockets that stay, seats that are full, and an end that lets the dialogues end."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from parrot import Parrot
from serving import BLOCK, PATIENT, QUESTION, dialogue, hear, played, send, service_of, serving, start, until
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from parley.cli import main
from parley.runtime import replicas
from parley.runtime.serve.server import Address

WAIT_S = 300
STARTS = 3  # Ray gives itself 30 s to start, which may not do on a machine that is busy
SERVER = """
import sys
from dataclasses import replace
from functools import partial
import ray
from parrot import Parrot
from serving import PATIENT, service_of
from parley.runtime.replicas import run
from parley.runtime.serve.server import Address

limits = replace(PATIENT, sessions=1, drain_s=1e5)
ray.init(num_cpus=2, include_dashboard=False)
run(partial(service_of, Parrot(), limits, ("secret",)), 2, 1, limits, Address(port=int(sys.argv[1])))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Two replicas with one seat each; the process, and the address of the Live protocol."""
    pytest.importorskip("ray.serve", reason="Ray Serve is not installed: pip install -e '.[scale]'", exc_type=ImportError)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = os.pathsep.join([str(Path.cwd()), str(Path.cwd() / "tests"), os.environ.get("PYTHONPATH", "")])
    ray = {"RAY_ADDRESS": "local", "RAY_worker_niceness": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    environment = {**os.environ, "PYTHONPATH": path, **ray}
    for _ in range(STARTS):
        with subprocess.Popen([sys.executable, "-c", SERVER, str(port)], stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout
            if not any(line.startswith("Talk at") for line in process.stdout):
                continue
            try:
                yield process, f"127.0.0.1:{port}"
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(WAIT_S)
            return
    pytest.fail("the replicas did not start")


def test_the_replicas_share_the_sessions_refuse_when_full_and_drain(server: tuple[subprocess.Popen[str], str]):
    process, place = server

    def call(key: str = "secret") -> ClientConnection:
        headers = {"Authorization": f"Bearer {key}"}
        return connect(f"ws://{place}/v1/live/sessions", open_timeout=WAIT_S, max_size=None, additional_headers=headers)

    with serving() as alone:
        expected = dialogue(alone)
    with pytest.raises(InvalidStatus) as refused:
        call("guessed")
    assert refused.value.response.status_code == 401
    with call() as one, call() as other:
        assert start(one)["type"] == start(other)["type"] == "session.started"  # a seat each: on two replicas
        with call() as third:
            error = start(third)["error"]
        assert error["code"] == "server_full" and error["retry_after_s"] > 0
        config = json.load(urllib.request.urlopen(f"http://{place}/v1/config", timeout=WAIT_S))
        assert config["sessions"] == 1 and config["model"] == "parrot"  # a full house still answers

        half = 15 * BLOCK
        first = hear(one, QUESTION[:half])
        np.testing.assert_array_equal(played(hear(other, QUESTION)), expected)
        process.send_signal(signal.SIGTERM)
        for client in (one, other):
            assert until(client, "info")[-1]["code"] == "draining"
        with call() as late:
            assert start(late)["error"]["code"] == "draining"
        rest = hear(one, QUESTION[half:])
        np.testing.assert_array_equal(np.concatenate([played(first), played(rest)]), expected)
        send(one, "session.close")
        assert until(one, "session.closed")[-1]["reason"] == "close_requested"
        assert process.poll() is None  # the other one may go on for as long as --drain-s
        process.send_signal(signal.SIGTERM)
        assert until(other, "session.closed")[-1]["reason"] == "remote_hangup"
    assert process.wait(WAIT_S) == 0


def test_a_ray_that_is_started_tells_nobody_that_it_runs(monkeypatch: pytest.MonkeyPatch):
    class Started(Exception):
        pass

    def init(**options: object) -> None:
        raise Started(os.environ["RAY_USAGE_STATS_ENABLED"])

    monkeypatch.setattr(replicas, "import_ray", lambda: (SimpleNamespace(init=init), None))
    for wish, holds in ((None, "0"), ("1", "1")):
        monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", wish or "")
        if wish is None:
            monkeypatch.delenv("RAY_USAGE_STATS_ENABLED")
        with pytest.raises(Started, match=holds):
            replicas.run(partial(service_of, Parrot()), 1, 1, PATIENT, Address(port=1))


def test_without_ray_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(["serve", "--ray", "--replicas", "2"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "pip install -e '.[scale]'" in line


def test_what_does_not_go_together_is_refused(capsys: pytest.CaptureFixture[str]):
    assert main(["serve", "--replicas", "2"]) == 2
    assert "--replicas is 2; give 1 or more, and --ray with it" in capsys.readouterr().err
    assert main(["serve", "--ray", "--replicas", "0"]) == 2
    assert "--replicas is 0" in capsys.readouterr().err
