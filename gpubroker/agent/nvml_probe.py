# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.


"""The child process that asks NVIDIA's management library, and ends.

``python -m gpubroker.agent.nvml_probe [--library PATH] ADDRESS...``

A process that has a GPU's device file open keeps the kernel from detaching
the GPU from its driver, for as long as it lives; so the library is only ever
loaded here, for the addresses given. Prints one JSON object a line, as soon
as it knows it, since any call may hang or crash: the parent then knows what
was learned before, and during which card it happened.

``{"begin": address}``, ``{"card": address, "serial": ..., "errors":
[[function, code], ...]}``, ``{"host": [function, code, words]}`` when the
library as a whole does not work, and ``{"end": true}``.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any, TextIO

_SONAME = "libnvidia-ml.so.1"
_PR_SET_PDEATHSIG = 1

# Answers that mean "this driver or card does not know that": NOT_SUPPORTED,
# FUNCTION_NOT_FOUND, NO_DATA, ARGUMENT_VERSION_MISMATCH, DEPRECATED.
_UNKNOWN_ATTRIBUTE = frozenset({3, 13, 21, 25, 26})


class _HostFailure(Exception):
    """The library as a whole does not work; says nothing about a card."""

    def __init__(self, function: str, code: int, words: str) -> None:
        super().__init__(words)
        self.fact = [function, code, words]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="gpubroker.agent.nvml_probe")
    parser.add_argument("--library")
    parser.add_argument("addresses", nargs="*")
    arguments = parser.parse_args(argv)
    _die_with_parent()
    # A crash of the library is expected and needs no core file.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The library may print; only facts go to the parent.
    with os.fdopen(os.dup(1), "w", buffering=1) as out:
        os.dup2(2, 1)
        try:
            _probe(arguments.library, arguments.addresses, out)
        except _HostFailure as failure:
            _say(out, {"host": failure.fact})
        _say(out, {"end": True})
    return 0


def _probe(library: str | None, addresses: list[str], out: TextIO) -> None:
    _preload(library)
    try:
        import pynvml
    except ImportError as error:
        raise _HostFailure("import", 0, str(error)) from error
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        code = int(error.value)
        raise _HostFailure("nvmlInit", code, _words(pynvml, code)) from error
    for address in addresses:
        _say(out, {"begin": address})
        _say(out, {"card": address, **_card(pynvml, address)})
    pynvml.nvmlShutdown()


def _preload(library: str | None) -> None:
    """Make pynvml, which loads by bare name, find this file."""
    if library is None:
        return
    try:
        wanted = ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
        loaded = ctypes.CDLL(_SONAME, mode=os.RTLD_NOLOAD | os.RTLD_LAZY)
    except OSError as error:
        raise _HostFailure("dlopen", 0, str(error)) from error
    if loaded._handle != wanted._handle:
        raise _HostFailure(
            "dlopen", 0, f"the SONAME of {library} is not {_SONAME}"
        )


def _card(nvml: Any, address: str) -> dict[str, Any]:
    """What one card says. It stops at the first call that says the card is
    gone: on a dead card each further call takes seconds."""
    errors: list[list[Any]] = []

    def ask(function: str, *arguments: Any, **options: Any) -> Any:
        call: Callable[..., Any] | None = getattr(nvml, function, None)
        if call is None or (errors and errors[-1][1] in gone):
            return None
        try:
            return call(*arguments, **options)
        except nvml.NVMLError as error:
            # Read at once: comparing or printing these errors may itself
            # raise or call the library.
            code = int(error.value)
            if code not in _UNKNOWN_ATTRIBUTE:
                errors.append([function, code])
            return None
        except ValueError:
            # A name or serial number that is not even text.
            return None

    gone = {
        nvml.NVML_ERROR_TIMEOUT,
        nvml.NVML_ERROR_GPU_IS_LOST,
        nvml.NVML_ERROR_RESET_REQUIRED,
    }
    found: dict[str, Any] = dict.fromkeys(("serial", "uuid", "name"))
    found["memory_mib"] = None
    handle = ask("nvmlDeviceGetHandleByPciBusId", address.encode())
    if handle is not None:
        found["serial"] = ask("nvmlDeviceGetSerial", handle)
        found["uuid"] = ask("nvmlDeviceGetUUID", handle)
        found["name"] = ask("nvmlDeviceGetName", handle)
        memory = ask(
            "nvmlDeviceGetMemoryInfo", handle, version=nvml.nvmlMemory_v2
        ) or ask("nvmlDeviceGetMemoryInfo", handle)
        if memory is not None:
            found["memory_mib"] = int(memory.total) >> 20
    return {**found, "errors": errors}


def _words(nvml: Any, code: int) -> str:
    for name in dir(nvml):
        if name.startswith("NVML_ERROR_") and getattr(nvml, name) == code:
            return name.removeprefix("NVML_ERROR_").lower().replace("_", " ")
    return "unknown error"


def _die_with_parent() -> None:
    """Not even a killed agent leaves a handle on a GPU behind."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _say(out: TextIO, fact: dict[str, Any]) -> None:
    out.write(json.dumps(fact) + "\n")
    out.flush()


if __name__ == "__main__":
    sys.exit(main())
