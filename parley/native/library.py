"""The C kernels (kernels.c), compiled once for this machine by its C compiler and kept in the user's cache.

Where there is no compiler the general operators do the same, slower. `PARLEY_NATIVE=0` asks for these.
"""

import ctypes
import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

SOURCES = ("vector.h", "kernels.c")
FLAGS = ("-O3", "-shared", "-fPIC", "-std=gnu11", "-ffp-contract=fast")
WIDE = {"AVX2": ("-mavx2", "-mfma"), "AVX512": ("-mavx2", "-mfma")}  # what torch calls the processor -> what the compiler may use
LANES, PANEL = 8, 16  # as in the sources
Made = TypeVar("Made")
LOG = logging.getLogger("parley.native")


def compiler() -> str | None:
    return shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc") or shutil.which("clang")


def compiled(found: str) -> Path:
    """The library, made if it is not there yet. OSError, or CalledProcessError with the compiler's words, where that fails."""
    folder = Path(__file__).parent
    flags = [*FLAGS, *WIDE.get(torch.backends.cpu.get_cpu_capability(), ())]
    content = [*(folder / name for name in SOURCES)]
    digest = hashlib.sha256(" ".join([found, *flags]).encode() + b"".join(file.read_bytes() for file in content)).hexdigest()[:16]
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "parley"
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError:
        home = Path(tempfile.mkdtemp(prefix="parley-"))
    library = home / f"kernels-{digest}.so"
    if not library.exists():
        with tempfile.TemporaryDirectory(dir=home) as made:
            part = Path(made) / library.name
            subprocess.run([found, *flags, str(folder / "kernels.c"), "-o", str(part), "-lm"], check=True, capture_output=True, text=True)
            part.replace(library)  # two processes may make it at the same time
    return library


@cache
def library() -> ctypes.CDLL | None:
    """The kernels; None where they are not wanted or cannot be made."""
    if os.environ.get("PARLEY_NATIVE") == "0":
        return None
    found = compiler()
    if found is None:
        LOG.warning("no C compiler (cc, gcc, clang or CC): the model runs on general operators, at half the speed")
        return None
    try:
        return ctypes.CDLL(str(compiled(found)))
    except (OSError, subprocess.CalledProcessError) as error:
        words = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
        LOG.warning(
            "%s did not make the kernels, so the model runs on general operators, at half the speed: %s", found, words.strip()[-300:]
        )
        return None


def serves(x: Tensor, widths: Iterable[int]) -> bool:
    """Whether the kernels compute on tensors like this one, in layers of these widths, which have to fill whole vectors."""
    if any(width % LANES for width in widths):
        return False
    return x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_grad_enabled() and library() is not None


def kernels() -> ctypes.CDLL:
    """The kernels, where `serves` said so."""
    found = library()
    assert found is not None
    return found


def pointer(x: Tensor) -> ctypes.c_void_p:
    assert x.is_contiguous() and x.device.type == "cpu", (x.shape, x.stride(), x.device)
    return ctypes.c_void_p(x.data_ptr())


class Packed:
    """A copy of a linear layer's weights (out, in) in the order in which the kernels read them; several are joined along `out`."""

    def __init__(self, weights: list[Tensor], bias: Tensor | None = None) -> None:
        joined = torch.cat([weight.detach() for weight in weights]).contiguous()
        self.out, self.width = joined.shape
        self.weight = joined.new_empty(-(-self.out // PANEL), self.width, PANEL)
        kernels().pack(pointer(joined), self.out, self.width, pointer(self.weight))
        self.bias = None if bias is None else bias.detach().clone()

    def __call__(self, x: Tensor) -> Tensor:
        """(tokens, in) -> (tokens, out); a token's numbers do not depend on how many there are."""
        x, y = x.contiguous(), x.new_empty(len(x), self.out)
        bias = None if self.bias is None else pointer(self.bias)
        kernels().linear(pointer(x), len(x), pointer(self.weight), bias, self.width, pointer(y), self.out, 0)
        return y


class Kept(Generic[Made]):
    """What was made of a module's weights, for as long as none of them changes. Not part of a copy of the module."""

    def __init__(self) -> None:
        self._made: Made | None = None
        self._weights: list[Tensor] = []
        self._made_of: list[tuple[int, int]] = []

    def of(self, module: nn.Module, make: Callable[[], Made]) -> Made:
        if self._made is None or self._made_of != versions(self._weights):
            self._weights = [*module.parameters()]
            self._made_of = versions(self._weights)
            self._made = make()
        return self._made

    def __reduce__(self) -> tuple:
        return Kept, ()


def versions(weights: list[Tensor]) -> list[tuple[int, int]]:
    """Changes whenever one of the weights does."""
    return [(weight.data_ptr(), 0 if weight.is_inference() else weight._version) for weight in weights]
