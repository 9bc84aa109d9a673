"""The C kernels (kernels.c, scan.c), compiled once for this machine by its C compiler and kept in the user's cache.

Where there is no compiler the general operators do the same, slower. `PARLEY_NATIVE=0` asks for these.
"""

import ctypes
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

SOURCES = ("vector.h", "kernels.c", "scan.c")
FLAGS = ("-O3", "-shared", "-fPIC", "-std=gnu11", "-ffp-contract=fast", "-fno-fast-math")
WIDE = {  # what torch calls the processor -> what the compiler may use
    "AVX2": ("-mavx2", "-mfma"),
    "AVX512": ("-mavx2", "-mfma", "-mavx512f"),
}
LANES, PANEL = 8, 16  # as in the sources
PATIENCE_S = 120  # for the compiler
Made = TypeVar("Made")
LOG = logging.getLogger("parley.native")


def compiler() -> str | None:
    if sys.platform == "win32":  # its compilers keep no vectors of this width on the stack
        return None
    return shutil.which(os.environ.get("CC") or "cc") or shutil.which("gcc") or shutil.which("clang")


def cache_folder() -> Path:
    """The user's, made if need be. OSError or RuntimeError where there is none."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    folder = (named if named.is_absolute() else Path.home() / ".cache") / "parley"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def loaded(command: str, folder: Path) -> ctypes.CDLL:
    """The library in `folder`, made if it is not there yet or is damaged. OSError, or SubprocessError of the compiler, where that fails."""
    sources = [Path(__file__).parent / name for name in SOURCES]
    flags = [*FLAGS, *WIDE.get(torch.backends.cpu.get_cpu_capability(), ())]
    made_for = [command, *flags, sys.platform, platform.machine(), *platform.libc_ver()]
    digest = hashlib.sha256(" ".join(made_for).encode() + b"".join(file.read_bytes() for file in sources)).hexdigest()[:16]
    library = folder / f"kernels-{digest}.so"
    try:
        return ctypes.CDLL(str(library))
    except OSError:  # not there, or damaged
        with tempfile.TemporaryDirectory(dir=folder) as room:
            part = Path(room) / library.name
            call = [command, *flags, *(str(file) for file in sources if file.suffix == ".c"), "-o", str(part), "-lm"]
            subprocess.run(call, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=PATIENCE_S)
            part.replace(library)  # two processes may make it at the same time
        return ctypes.CDLL(str(library))


@cache
def library() -> ctypes.CDLL | None:
    """The kernels; None where they are not wanted or cannot be made."""
    if os.environ.get("PARLEY_NATIVE") == "0":
        return None
    command = compiler()
    if command is None:
        LOG.warning("no C compiler (cc, gcc, clang or CC): the model runs on general operators, which are slower")
        return None
    try:
        try:
            return loaded(command, cache_folder())
        except (OSError, RuntimeError):  # a folder that cannot be written, or none
            with tempfile.TemporaryDirectory(prefix="parley-") as folder:
                return loaded(command, Path(folder))
    except (OSError, subprocess.SubprocessError) as error:
        words = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
        LOG.warning("%s did not make the kernels; the model runs on general operators, which are slower: %s", command, words.strip()[-300:])
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


def address(x: Tensor) -> int:
    assert x.device.type == "cpu" and x.dtype in (torch.float32, torch.int32), (x.device, x.dtype)
    return x.data_ptr()


def pointer(x: Tensor) -> ctypes.c_void_p:
    assert x.is_contiguous(), (x.shape, x.stride())
    return ctypes.c_void_p(address(x))


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
    """What was made of a module's weights, for as long as they are the same: other tensors, or a new version of one, are seen; what is
    written behind torch's back (`.data`, a fused optimizer) is not. Not part of a copy of the module."""

    def __init__(self) -> None:
        self._made: Made | None = None
        self._places: list[dict[str, nn.Parameter | None]] = []  # where each sub-module has its weights
        self._made_of: list[tuple[int, int, int]] = []

    def of(self, module: nn.Module, make: Callable[[], Made]) -> Made:
        if self._made is None or self._made_of != versions(self._places):
            places = [part._parameters for part in module.modules()]
            made_of, made = versions(places), make()
            self._places, self._made_of, self._made = places, made_of, made
        return self._made

    def __reduce__(self) -> tuple:
        return Kept, ()


def versions(places: list[dict[str, nn.Parameter | None]]) -> list[tuple[int, int, int]]:
    """Changes whenever one of the weights does."""
    weights = [weight for place in places for weight in place.values() if weight is not None]
    return [(id(weight), weight.data_ptr(), 0 if weight.is_inference() else weight._version) for weight in weights]
