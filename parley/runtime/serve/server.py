"""`parley serve`: the protocols, the page and the operations behind one address. The one file that knows FastAPI and uvicorn."""

import asyncio
import json
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex
from types import FrameType
from typing import Any, cast

from parley.runtime.serve.call import Call, Protocol, Socket
from parley.runtime.serve.host import Host
from parley.runtime.serve.limits import Door
from parley.runtime.serve.live import RATES, Live
from parley.runtime.serve.metrics import LOG, log_to_stderr
from parley.runtime.serve.realtime import Realtime

WEB = Path(__file__).parent.parent / "web"
RECORDINGS = Path(__file__).parent.parent.parent / "recordings"
MOST_ASKED = 65536  # bytes of a request for a secret
SECRET_S = 600  # a secret for a browser is good for so long, if no other time is asked for
SEND_BUFFER = 65536  # bytes of a connection; the system would let it grow to a minute of sound that a client does not read
POLL_S = 0.1  # how often a draining server looks whether the sessions are over
POLICY = (
    "default-src 'self'; connect-src 'self' ws: wss:; worker-src 'self' blob:; img-src 'self' data: blob:; media-src 'self' blob:; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class Address:
    """Where the server listens. `cert`, `key`: PEM files for TLS; without it browsers give a microphone to pages of localhost only."""

    host: str = "127.0.0.1"  # the address to listen on; 0.0.0.0 = all of this machine, for others to come in
    port: int = 8998  # 0 = any that is free
    cert: Path | None = None  # for TLS: the certificate, as PEM ...
    key: Path | None = None  # ... and its key

    def __post_init__(self) -> None:
        for file in (self.cert, self.key):
            if file is not None and not file.is_file():
                raise ValueError(f"{file}: no such file; give the certificate and its key as PEM files")
        if not 0 <= self.port <= 65535:
            raise ValueError(f"--port is {self.port}; give 0 to 65535, 0 for any that is free")
        if (self.cert is None) != (self.key is None):
            raise ValueError("--cert and --key go together; give both or none")

    @property
    def url(self) -> str:
        name = "localhost" if self.host in ("127.0.0.1", "0.0.0.0", "::", "::1") else f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.cert else 'http'}://{name}:{self.port}/"


@dataclass
class Service:
    """A model, its guests and its rules."""

    host: Host
    door: Door
    model: str
    web: Path = WEB
    calls: set[Call] = field(default_factory=set)

    def __post_init__(self) -> None:
        if not (self.web / "index.html").is_file():
            raise ValueError(f"{self.web}: no folder with an index.html; give --web the folder with the page, or leave it away")

    def config(self) -> dict[str, Any]:
        limits, clock = self.host.limits, self.host.clock
        rate = clock.output_rate if clock.output_rate in RATES else max(RATES)  # the model's own, where it travels as it is
        told = {"model": self.model, "keys": bool(self.door.keys), "block_ms": clock.block_ms, "rate": rate, "rates": RATES}
        return {**told, "sessions": limits.sessions, "max_minutes": limits.max_minutes, "version": version("parley")}

    def models(self) -> dict[str, Any]:
        return {"object": "list", "data": [{"id": self.model, "object": "model", "created": 0, "owned_by": "parley"}]}

    async def lend(self, authorization: str | None, body: AsyncIterator[bytes]) -> tuple[int, dict[str, Any]]:
        """A secret for a browser, as OpenAI's API gives one: the status and the answer to a request. Of a stranger's nothing is read."""
        if not self.door.lends(authorization):
            return 401, complaint("invalid_api_key", "give a key that this server knows")
        read = b""
        async for part in body:
            read += part
            if len(read) > MOST_ASKED:
                return 413, complaint("message_too_large", f"a request holds at most {MOST_ASKED // 1024} KiB")
        try:
            seconds = secret_seconds(json.loads(read or b"{}"))
        except (ValueError, RecursionError) as error:
            return 400, complaint("invalid_value", str(error))
        value, expires_at = self.door.lend(authorization, seconds)
        session = {"type": "realtime", "object": "realtime.session", "id": "sess_" + token_hex(12), "model": self.model}
        return 200, {"value": value, "expires_at": expires_at, "session": session}

    def health(self) -> tuple[int, dict[str, Any]]:
        host = self.host
        trouble = host.trouble() or host.broken() or host.late() or ("the server is about to stop" if self.door.closed else None)
        counts = {"active_sessions": host.seated, "sessions": host.engine.rows, "busy": host.busy()}
        return (503 if trouble else 200), {"status": trouble or "ok", **counts}

    async def serve(self, web: Any, protocol: Callable[[Call], Protocol]) -> None:
        """One WebSocket, from the handshake to its end."""
        offered, headers = list(web.scope.get("subprotocols", [])), web.headers
        holder = self.door.who(headers.get("authorization"), offered)
        allowed = self.door.welcomes(headers.get("origin"), headers.get("host"))
        if holder is None or not allowed:
            code = "invalid_api_key" if allowed else "origin_not_allowed"
            if not allowed:  # a proxy in front may have put its own name for the host that the browser asked for
                LOG.warning(code, extra={"fields": {"origin": headers.get("origin"), "host": headers.get("host")}})
            self.host.metrics.refused.labels(code).inc()
            message = "give a key that this server knows" if allowed else "this server does not talk to pages of other origins"
            await deny(web, 401 if allowed else 403, code, message)
            return
        await web.accept("realtime" if "realtime" in offered else None)
        address = web.client.host if web.client else ""
        abort = web.scope.get("state", {}).get("abort", lambda: None)
        own = Socket(web.receive, partial(send_text, web), web.close, abort, address, holder)
        call = Call(own, self.host, self.door, protocol, self.model)
        self.calls.add(call)
        try:
            await call.run()
        finally:
            self.calls.discard(call)

    async def drain(self, within_s: float) -> None:
        """Nobody new; those inside are told, and get so long to end."""
        self.door.closed = True
        LOG.info("draining", extra={"fields": {"sessions": len(self.calls)}})
        if self.calls:
            print(f"Waiting up to {within_s:g} s for {len(self.calls)} sessions to end (Ctrl-C stops at once)", flush=True)
        for call in self.calls:
            call.warn_of_end()
        for _ in range(round(within_s / POLL_S)):
            if not self.calls:
                break
            await asyncio.sleep(POLL_S)
        while self.calls:
            for call in list(self.calls):  # those too that came meanwhile
                call.hang_up("remote_hangup")
            await asyncio.sleep(POLL_S)


def secret_seconds(asked: Any) -> int:
    """How long a client's secret shall be good for. ValueError for what cannot be had."""
    after = asked.get("expires_after") if isinstance(asked, dict) else None
    seconds = after.get("seconds", SECRET_S) if isinstance(after, dict) else SECRET_S
    if type(seconds) is not int or not 10 <= seconds <= 7200:
        raise ValueError("expires_after.seconds is a whole number from 10 to 7200")
    return seconds


async def send_text(web: Any, text: str) -> None:
    """OSError where the client is gone, whatever the framework calls that."""
    try:
        await web.send_text(text)
    except Exception as error:
        raise ConnectionResetError("the client is gone") from error


def complaint(code: str, message: str) -> dict[str, Any]:
    return {"error": {"type": "invalid_request_error", "code": code, "message": message}}


async def deny(web: Any, status: int, code: str, message: str) -> None:
    """Answers the handshake with an HTTP error."""
    data = json.dumps(complaint(code, message)).encode()
    await web.send({"type": "websocket.http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await web.send({"type": "websocket.http.response.body", "body": data})


async def elsewhere(web: Any) -> None:
    await deny(web, 404, "unknown_address", "sessions are at /v1/live/sessions and /v1/realtime")


def recordings() -> list[dict[str, Any]]:
    """The recordings that come with the package, those in which least is said first: the name, and what is said to the model in them:
    [{text, start_s, end_s}]."""
    told = []
    for meta in sorted(RECORDINGS.glob("*/meta.json")):
        segments = json.loads(meta.read_text(encoding="utf-8"))["segments"]
        said = [{name: each[name] for name in ("text", "start_s", "end_s")} for each in segments if each["speaker"] == "user"]
        told.append({"name": meta.parent.name, "segments": said})
    return sorted(told, key=lambda each: len(each["segments"]))


def create_app(service: Service) -> Any:
    """The FastAPI application. It starts and stops the engine's thread."""
    try:
        from fastapi import FastAPI, Request, Response, WebSocket
        from fastapi.responses import JSONResponse
        from fastapi.staticfiles import StaticFiles
        from starlette.routing import WebSocketRoute
    except ImportError as error:
        raise ValueError(f"serving needs more packages ({error}); install them with: pip install -e '.[serve]'") from error

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        service.host.start(asyncio.get_running_loop())
        yield
        service.host.stop()

    app = FastAPI(title="parley", version=version("parley"), lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)

    @app.middleware("http")
    async def guard(request: Any, call_next: Callable[[Any], Any]) -> Any:
        response = await call_next(request)
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-cache"
        return response

    @app.websocket("/v1/live/sessions")
    async def live(web: WebSocket) -> None:
        await service.serve(web, partial(Live, extra=web.query_params.get("parley") == "1"))

    @app.websocket("/realtime")  # some clients are given the address of the server alone
    @app.websocket("/v1/realtime")
    async def realtime(web: WebSocket) -> None:
        await service.serve(web, Realtime)

    @app.post("/v1/realtime/client_secrets")
    async def lend(request: Request) -> JSONResponse:
        status, body = await service.lend(request.headers.get("authorization"), request.stream())
        return JSONResponse(body, status)

    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        status, body = service.health()
        return JSONResponse(body, status)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(service.host.metrics.page(), media_type="text/plain; version=0.0.4")

    @app.get("/v1/config")
    async def config() -> dict[str, Any]:
        return service.config()

    offer_lists(app, service)
    app.router.routes.append(WebSocketRoute("/{path:path}", elsewhere))
    app.mount("/", StaticFiles(directory=service.web, html=True))
    return app


def offer_lists(app: Any, service: Service) -> None:
    """What there is to talk with, and what can be said to it."""
    from fastapi import HTTPException
    from fastapi.responses import FileResponse

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return service.models()

    @app.get("/recordings")
    def list_recordings() -> list[dict[str, Any]]:
        return recordings()

    @app.get("/recordings/{name}/input.wav")
    def recording(name: str) -> FileResponse:
        if name not in {each["name"] for each in recordings()}:  # never a path that a client made up
            raise HTTPException(404)
        return FileResponse(RECORDINGS / name / "input.wav", media_type="audio/wav")


def make_server(service: Service, address: Address) -> Any:
    """A uvicorn server that drains when it is asked to stop, and stops at once when it is asked again."""
    app = create_app(service)
    import uvicorn
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

    class Connection(WebSocketsSansIOProtocol):
        """Lets the application drop a peer that does not read, and lives on while what a peer has sent ahead is not read."""

        def handle_connect(self, event: Any) -> None:
            super().handle_connect(event)
            if not self.close_sent:
                cast(Any, self.scope)["state"]["abort"] = self.transport.abort

        def keepalive_timeout(self) -> None:
            if self.read_paused:  # its pong lies behind what waits
                self.pong_timer = self.loop.call_later(limits.ping_s, self.keepalive_timeout)
            else:
                super().keepalive_timeout()

    class Server(uvicorn.Server):
        asked = False  # to stop
        draining: asyncio.Task[None] | None = None

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            if self.started and not self.asked:
                asyncio.get_running_loop().call_soon_threadsafe(self.begin_to_drain)
            else:
                self.should_exit = True
            self.asked = True

        def begin_to_drain(self) -> None:
            self.draining = asyncio.create_task(self.drain())

        async def drain(self) -> None:
            await service.drain(limits.drain_s)
            self.should_exit = True

    limits = service.host.limits
    config = uvicorn.Config(
        app,
        ws=Connection,
        ws_max_size=1280 * limits.message_kib,
        ws_ping_interval=limits.ping_s,
        ws_ping_timeout=limits.ping_s,
        ws_per_message_deflate=False,
        ssl_certfile=address.cert,
        ssl_keyfile=address.key,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    return Server(config)


def listen(address: Address) -> socket.socket:
    """The socket, bound. ValueError where the address cannot be had. Its connections inherit what is set here."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        own = socket.create_server((address.host, address.port), family=family, backlog=2048)
    except OSError as error:
        place = f"{address.host}:{address.port}"
        known = isinstance(error, socket.gaierror) or not error.errno
        reason = str(error.strerror or error) if known else os.strerror(error.errno or 0)
        raise ValueError(f"{place}: cannot be listened on ({reason}); choose another --port or --host") from error
    own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # every message at once; asyncio sets it where sockets name a protocol
    own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    return own


def run(service: Service, address: Address) -> None:
    """Until SIGTERM or Ctrl-C."""
    server = make_server(service, address)
    try:
        server.config.load()
    except ssl.SSLError as error:
        raise ValueError(f"{address.cert}, {address.key}: no certificate with its key; give PEM files that fit together") from error
    with listen(address) as own:
        log_to_stderr()
        url = replace(address, port=own.getsockname()[1]).url
        print(f"Talk at {url} (Ctrl-C ends)", flush=True)
        LOG.info("serving", extra={"fields": {"url": url, **service.config()}})
        server.run(sockets=[own])
