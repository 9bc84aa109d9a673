"""`parley serve --ray`: replicas of the server under Ray Serve, on one machine or on many.

Ray's proxies take the connections. A socket goes to the replica with the fewest (routing.py) and stays there: a session is a socket, so
nothing of a dialogue ever moves. A replica is the server of serve/server.py, with an engine, seats and rules of its own.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from parley.runtime.serve.limits import Limits
from parley.runtime.serve.metrics import LOG, log_to_stderr
from parley.runtime.serve.server import Address, Service, create_app

NAME = "parley"
SPARE = 64  # what a replica takes beside its sessions at once: pages, questions for its health, and sockets that it refuses
STOP_S = 10.0  # that a session may take to end, after its time is up
ROUTER = "parley.runtime.routing.Emptiest"


def run(open_service: Callable[[], Service], replicas: int, threads: int, limits: Limits, address: Address, gpus: int = 0) -> None:
    """Until SIGTERM or Ctrl-C; asked again, it closes the sessions at once.

    Joins the Ray cluster of RAY_ADDRESS or the one that runs on this machine; where there is none it starts one, and ends it.

    Args:
        open_service: Opens what one replica serves, where it runs; can be pickled.
        replicas: How many.
        threads: CPUs that each of them takes.
        limits: What one replica grants.
        address: Where Ray's proxies listen, on every machine that has a replica.
        gpus: That each of them takes.
    """
    ray, serve = import_ray()
    if address.port == 0:
        raise ValueError("--ray needs a --port: Ray's proxies listen on the same one everywhere")
    # of a Ray that is started here:
    os.environ.setdefault("RAY_worker_niceness", "0")  # its replicas do not wait for everything else
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it tells nobody that it runs
    ray.init(ignore_reinit_error=True, include_dashboard=False, logging_level=logging.WARNING)
    try:
        for kind, each in (("CPU", threads), ("GPU", gpus)):
            if (there := ray.cluster_resources().get(kind, 0)) < (taken := replicas * each):
                raise ValueError(f"{replicas} replicas take {taken} {kind}s, and the Ray cluster has {there:g}; give fewer --replicas")
        serve.start(http_options=proxies(address))
        try:
            handle = start(serve, deployment(serve, open_service, replicas, {"num_cpus": threads, "num_gpus": gpus}, limits))
            print(f"Talk at {address.url} (Ctrl-C ends)", flush=True)
            wait_for_the_end(handle, limits)
        finally:
            serve.delete(NAME)
    finally:
        ray.shutdown()


def import_ray() -> tuple[Any, Any]:
    try:
        import ray  # pyright: ignore[reportMissingImports]  # an extra
        from ray import serve  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ValueError(f"--ray needs Ray Serve ({error}); install it with: pip install -e '.[scale]'") from error
    return ray, serve


def proxies(address: Address) -> dict[str, Any]:
    tls = {"ssl_certfile": str(address.cert), "ssl_keyfile": str(address.key)} if address.cert else {}
    return {"host": address.host, "port": address.port, **tls}


def deployment(serve: Any, open_service: Callable[[], Service], replicas: int, each: dict[str, int], limits: Limits) -> Any:
    """The application that Ray Serve runs; `each` replica takes so many CPUs and GPUs."""

    @serve.deployment(
        num_replicas=replicas,
        ray_actor_options=each,
        max_ongoing_requests=limits.sessions + SPARE,
        max_queued_requests=SPARE,
        request_router_config={"request_router_class": ROUTER},
        graceful_shutdown_timeout_s=limits.drain_s + STOP_S,  # when Ray itself takes a replica away, its sessions have so long
    )
    @serve.ingress()
    class Replica:
        def __init__(self) -> None:
            log_to_stderr()
            self.service = open_service()

        def __serve_build_asgi_app__(self) -> Any:
            return create_app(self.service)

        def check_health(self) -> None:
            """Ray asks from time to time, and replaces a replica that raises."""
            if (trouble := self.service.host.trouble() or self.service.host.broken()) is not None:
                raise RuntimeError(trouble)

        async def drain(self, within_s: float) -> None:
            await self.service.drain(within_s)

    return Replica.bind()


def start(serve: Any, application: Any) -> Any:
    """The handle to all replicas, as soon as they are ready. ValueError where one cannot be."""
    try:
        return serve.run(application, name=NAME, route_prefix="/")
    except RuntimeError as error:
        raise ValueError(f"the replicas did not start: {str(error).strip().splitlines()[-1]}") from error


def wait_for_the_end(handle: Any, limits: Limits) -> None:
    """Lets the sessions of every replica end when it is asked to stop, and closes them when it is asked again."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # Ray has put its own in its place, which would end at once
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        LOG.info("draining")
    for within_s in (limits.drain_s, 0.0):
        try:
            handle.broadcast("drain", within_s).results(return_exceptions=True)  # a replica may be gone
            return
        except KeyboardInterrupt:
            LOG.info("asked again to stop")
