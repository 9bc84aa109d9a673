"""One question to a chat model, one answer."""

import json
from collections.abc import Callable

from parley.data.remote.endpoint import Answer, Asker, Failure, Reason


def chat(asker: Asker, prompt: str, understood: Callable[[str], Answer | Failure]) -> Answer | Failure:
    """What `understood` makes of the model's answer."""

    def completion(reply: bytes) -> Answer | Failure:
        text = reply.decode(errors="replace")
        try:
            content = json.loads(text)["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError):
            return Failure(Reason.NONSENSE, f"{asker.endpoint.url}: no chat completion: {asker.shown(text)}")
        if not isinstance(content, str):
            return Failure(Reason.NONSENSE, f"{asker.endpoint.url}: a chat completion without text: {asker.shown(text)}")
        return understood(content)

    temperature = asker.endpoint.temperature
    body = {"messages": [{"role": "user", "content": prompt}]} | ({} if temperature is None else {"temperature": temperature})
    return asker.ask("chat/completions", body, completion)
