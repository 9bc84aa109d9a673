"""What every state shares: rows first, zeros when fresh, inactive rows untouched.

A state is a dataclass whose fields are tensors (first axis rows), other states, or lists of states.
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor

# Metadata of a state's field: caches in which a step writes every place, as its other fields say, before it reads it.
WRITTEN_BEFORE_READ = {"written_before_read": True}


def tensors(state: Any) -> list[Tensor]:
    """Every tensor of a state, in the order of its fields."""
    if isinstance(state, Tensor):
        return [state]
    if isinstance(state, (list, tuple)):
        return [tensor for item in state for tensor in tensors(item)]
    assert is_dataclass(state), type(state)
    return [tensor for item in fields(state) for tensor in tensors(state.__dict__[item.name])]


def mapped(state: Any, function: Callable[[Tensor], Tensor]) -> Any:
    """The same state with `function` of every tensor; a view of each shares the state's memory."""
    if isinstance(state, Tensor):
        return function(state)
    if isinstance(state, (list, tuple)):
        return type(state)(mapped(item, function) for item in state)
    return replace(state, **{item.name: mapped(state.__dict__[item.name], function) for item in fields(state)})


def reset_rows(state: Any, rows: Tensor | list[int]) -> None:
    """Back to zeros for `rows`: a bool mask of shape (rows,) or row numbers; the other rows stay bit-equal."""
    for tensor in tensors(state):
        tensor[rows] = 0


def write_rows(old: Tensor, new: Tensor, active: Tensor) -> None:
    """Writes `new` into `old` in place where `active` (rows,) is True; the other rows stay bit-equal."""
    old.copy_(torch.where(active.view(-1, *[1] * (old.ndim - 1)), new, old))


def remembered(state: Any) -> list[tuple[Tensor, Tensor]]:
    """What a step changes for good, each tensor with a copy; caches are left out, as a repeated step writes them again."""
    if isinstance(state, Tensor):
        return [(state, state.clone())]
    if isinstance(state, (list, tuple)):
        return [pair for item in state for pair in remembered(item)]
    kept = [item for item in fields(state) if not item.metadata.get("written_before_read")]
    return [pair for item in kept for pair in remembered(state.__dict__[item.name])]


def go_back(pairs: list[tuple[Tensor, Tensor]]) -> None:
    """The state as it was when it was `remembered`."""
    for tensor, copy in pairs:
        tensor.copy_(copy)
