"""How Ray's proxies choose a replica. Ray loads this file by its name (replicas.py); nothing else does, as Ray is an extra."""

from ray.serve.request_router import FIFOMixin, PendingRequest, RequestRouter, RunningReplica  # pyright: ignore[reportMissingImports]


class Emptiest(FIFOMixin, RequestRouter):
    """The replica with the fewest requests. Ray's own router looks at two by chance: they may be full while a third has room."""

    queue_len_response_deadline_s = 1.0  # a replica that is busy may take so long to say how full it is, and be the one with a seat

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        return [candidate_replicas]
