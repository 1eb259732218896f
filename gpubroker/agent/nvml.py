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


"""Asks NVIDIA's management library through short-lived children.

What goes wrong with the library is a condition of the host, never a verdict
on a card: a library that is missing, crashes or hangs says nothing about the
cards it was asked for. One card that hangs costs one child; the others are
asked by the next.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from oslo_log import log

from gpubroker.domain import hosts
from gpubroker.services import ports

LOG = log.getLogger(__name__)

# A child that is only asleep ends at once when killed; one that does not is
# waiting in the kernel.
_KILL_GRACE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, order=True)
class Error:
    """A call about one card that failed, by NVML's own number."""

    function: str
    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the library said of one card."""

    serial: str | None = None
    uuid: str | None = None
    name: str | None = None
    errors: tuple[Error, ...] = ()


class Child(Protocol):
    """One run of the probe."""

    def fileno(self) -> int:
        """Ready to read when the child has said something or ended."""
        ...

    def read(self) -> bytes:
        """What it has said since; never waits."""
        ...

    def ended(self) -> int | None:
        """Its exit status, None while it lives."""
        ...

    def kill(self) -> None: ...
    def close(self) -> None: ...


class Process:
    """The probe as a real child process."""

    def __init__(self, library: str | None, addresses: Sequence[str]) -> None:
        command = [sys.executable, "-m", "gpubroker.agent.nvml_probe"]
        if library:
            command += ["--library", library]
        self._process = subprocess.Popen(  # noqa: S603
            [*command, "--", *addresses],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self._process.stdout is not None  # noqa: S101
        self._pipe = self._process.stdout
        os.set_blocking(self._pipe.fileno(), False)

    def fileno(self) -> int:
        return self._pipe.fileno()

    def read(self) -> bytes:
        said = b""
        while chunk := self._chunk():
            said += chunk
        return said

    def ended(self) -> int | None:
        return self._process.poll()

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self._pipe.close()

    def _chunk(self) -> bytes:
        try:
            return os.read(self._pipe.fileno(), 65536)
        except BlockingIOError:
            return b""


@dataclass(slots=True)
class _Run:
    """One child at work.

    :param subject: the card it asks about, None before and between cards.
    :param why: the condition that it was killed for.
    """

    child: Child
    until: float
    partial: bytes = b""
    subject: str | None = None
    finished: bool = False
    killed_at: float | None = None
    why: hosts.Condition | None = None

    @property
    def words(self) -> str:
        return self.subject or "the library"


class Prober:
    """Sweeps over the cards, one child after the other; never waits."""

    def __init__(
        self,
        clock: ports.Clock,
        deadline: float,
        spawn: Callable[[Sequence[str]], Child],
    ) -> None:
        """:param deadline: seconds that one child may take."""
        self._clock = clock
        self._deadline = deadline
        self._spawn = spawn
        self._run: _Run | None = None
        self._todo: list[str] = []
        self._noted: list[hosts.Condition] = []
        self._answered: set[str] = set()
        #: Of the last sweep that ended, or newer.
        self.answers: dict[str, Answer] = {}
        self.conditions: tuple[hosts.Condition, ...] = ()

    @property
    def busy(self) -> bool:
        """A child is there, be it one that can not be killed."""
        return self._run is not None

    def fileno(self) -> int | None:
        """What to poll; None without a child that may still speak."""
        if self._run is None or self._run.killed_at is not None:
            return None
        return self._run.child.fileno()

    def start(self, addresses: Collection[str]) -> None:
        """Begin a sweep, unless one is under way."""
        if self.busy:
            return
        self._noted = []
        self._answered = set()
        self._todo = sorted(addresses)
        self._next_child()

    def forget(self, addresses: Collection[str]) -> None:
        """These must not be held any longer: a child that was given one of
        them ends now, and what was learned of them is dropped."""
        for address in addresses:
            self.answers.pop(address, None)
        if not set(self._todo) & set(addresses):
            return
        self._todo = [left for left in self._todo if left not in addresses]
        self._kill(None)

    def poll(self) -> None:
        """Take in what the child has said; end one that is overdue."""
        run = self._run
        if run is None:
            return
        status = run.child.ended()
        self._listen(run)
        now = self._clock.monotonic()
        if status is not None:
            self._ended(run, status)
        elif run.killed_at is not None:
            self._check_stuck(run, now - run.killed_at)
        elif now >= run.until:
            self._kill(
                hosts.Condition(
                    kind="nvml_timeout",
                    detail=f"no answer about {run.words} within"
                    f" {self._deadline:g} s",
                )
            )

    def stop(self) -> None:
        """End what runs; for the end of the agent."""
        self._todo = []
        self._kill(None)

    def _next_child(self) -> None:
        if not self._todo:
            self._sweep_ended()
            return
        until = self._clock.monotonic() + self._deadline
        try:
            self._run = _Run(self._spawn(tuple(self._todo)), until)
        except OSError as error:
            self._todo = []
            self._note("nvml_unavailable", f"no child process: {error}")
            self._sweep_ended()

    def _sweep_ended(self) -> None:
        self.conditions = tuple(self._noted)
        for address in set(self.answers) - self._answered:
            del self.answers[address]

    def _listen(self, run: _Run) -> None:
        *lines, run.partial = (run.partial + run.child.read()).split(b"\n")
        for line in lines:
            try:
                self._take(run, json.loads(line))
            except (ValueError, TypeError, LookupError):
                LOG.debug("the probe said %r", line)

    def _take(self, run: _Run, fact: dict[str, Any]) -> None:
        if "begin" in fact:
            run.subject = fact["begin"]
        elif "card" in fact:
            answer = _answer(fact)
            run.subject = None
            if fact["card"] in self._todo:
                self._todo.remove(fact["card"])
                self.answers[fact["card"]] = answer
                self._answered.add(fact["card"])
        elif "host" in fact:
            function, code, words = fact["host"]
            self._todo = []
            self._note("nvml_unavailable", f"{function}: {words} ({code})")
        elif "end" in fact:
            run.finished = True

    def _ended(self, run: _Run, status: int) -> None:
        run.child.close()
        self._run = None
        crashed = run.killed_at is None and not run.finished
        if run.why is not None:
            self._noted.append(run.why)
        if crashed:
            self._note(
                "nvml_crashed",
                f"the library ended the probe at {run.words}"
                f" (status {status})",
            )
        if crashed or run.why is not None:
            self._skip(run.subject)
        self._next_child()

    def _skip(self, subject: str | None) -> None:
        """Not to be asked again in this sweep: the card that a child was
        lost to, or every card where it was the library itself."""
        if subject is None:
            self._todo = []
        elif subject in self._todo:
            self._todo.remove(subject)

    def _kill(self, why: hosts.Condition | None) -> None:
        if self._run is not None and self._run.killed_at is None:
            self._run.child.kill()
            self._run.killed_at = self._clock.monotonic()
            self._run.why = why

    def _check_stuck(self, run: _Run, seconds: float) -> None:
        if seconds < _KILL_GRACE_SECONDS:
            return
        self.conditions = (
            *self._noted,
            hosts.Condition(
                kind="nvml_stuck",
                detail=f"a probe that waits for {run.words} can not be ended;"
                " no card is asked until it is gone",
            ),
        )

    def _note(self, kind: str, detail: str) -> None:
        self._noted.append(hosts.Condition(kind=kind, detail=detail))


def _answer(fact: dict[str, Any]) -> Answer:
    return Answer(
        serial=_word(fact["serial"]),
        uuid=_word(fact["uuid"]),
        name=_word(fact["name"]),
        errors=tuple(
            sorted(
                Error(str(function), int(code))
                for function, code in fact["errors"]
            )
        ),
    )


def _word(value: Any) -> str | None:
    return value.strip()[:255] or None if isinstance(value, str) else None
