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


"""What the agent has seen happen, kept until the control plane knows it.

An observation is told again in every report of the same boot, so that an
unchanged host sends the same bytes; its id makes the repeat harmless.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import pathlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from oslo_log import log

LOG = log.getLogger(__name__)

#: As many as the API takes in one report.
MOST = 100

_MOST_CHARACTERS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """:param id: the boot's id and what is unique within the boot.
    :param kind: ``xid``, ``off_bus``, ``aer`` or ``other``.
    :param code: number of an XID.
    :param at: when it happened, by the host's clock.
    """

    id: str
    kind: str
    pci_address: str
    text: str
    at: datetime.datetime
    code: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "pci_address": self.pci_address,
            "code": self.code,
            "text": self.text,
            "at": self.at.isoformat(timespec="milliseconds").replace(
                "+00:00", "Z"
            ),
        }


@dataclass(slots=True)
class _Boot:
    """What is known of one boot of the host.

    :param sequence: of the newest record of the kernel log that was noted.
    :param counts: highest error counts seen, by counter.
    """

    id: str = ""
    sequence: int = -1
    counts: dict[str, int] = field(default_factory=dict)


class Journal:
    """Observations on disk. Damage to the file costs a repeat, no more: the
    kernel still has its log."""

    def __init__(self, path: pathlib.Path | None) -> None:
        """:param path: None to remember nothing."""
        self._path = path
        self._boot = _Boot()
        self._seen: list[Observation] = []
        self._told: set[str] = set()
        self._changed = False
        self.problem: str | None = None
        self._load()

    @property
    def sequence(self) -> int:
        """Records of the kernel log up to this one have been noted."""
        return self._boot.sequence

    @property
    def observations(self) -> tuple[Observation, ...]:
        """Oldest first, never more than MOST."""
        return tuple(self._seen)

    def begin(self, boot_id: str) -> None:
        """Forget what was told of earlier boots; the rest stays."""
        if self._boot.id == boot_id:
            return
        self._boot = _Boot(boot_id)
        self._seen = [seen for seen in self._seen if seen.id not in self._told]
        self._told.clear()
        self._changed = True

    def note(self, observation: Observation, sequence: int) -> None:
        """Keep what a record of the kernel log says."""
        self._boot.sequence = max(sequence, self._boot.sequence)
        self._keep(observation)

    def note_count(
        self, observation: Observation, counter: str, total: int
    ) -> bool:
        """Keep an error count if it is higher than ever in this boot."""
        if total <= self._boot.counts.get(counter, 0):
            return False
        self._boot.counts[counter] = total
        self._keep(observation)
        return True

    def told(self, observations: Iterable[Observation]) -> None:
        """The control plane has these."""
        ids = {seen.id for seen in observations} - self._told
        if ids:
            self._told |= ids
            self._changed = True

    def save(self) -> None:
        """Write to disk what has changed; a failure is a ``problem``."""
        if not self._changed or self._path is None:
            return
        text = json.dumps(
            {
                "boot_id": self._boot.id,
                "sequence": self._boot.sequence,
                "counts": self._boot.counts,
                "observations": [
                    {**seen.as_json(), "told": seen.id in self._told}
                    for seen in self._seen
                ],
            },
            indent=1,
        )
        try:
            _replace(self._path, text)
        except OSError as error:
            self.problem = f"{self._path}: {error.strerror}"
            return
        self.problem = None
        self._changed = False

    def _keep(self, observation: Observation) -> None:
        if any(seen.id == observation.id for seen in self._seen):
            return
        self._seen.append(observation)
        self._changed = True
        while len(self._seen) > MOST:
            victim = self._least_missed()
            self._told.discard(victim.id)
            self._seen.remove(victim)

    def _least_missed(self) -> Observation:
        """What was told already; else one of the most frequent: a storm of
        one kind must not push out the single line that matters."""
        for seen in self._seen:
            if seen.id in self._told:
                return seen
        counts = Counter(map(_sort, self._seen))
        most = counts.most_common(1)[0][0]
        return next(seen for seen in self._seen if _sort(seen) == most)

    def _load(self) -> None:
        if self._path is None:
            return
        try:
            known = json.loads(self._path.read_text("utf-8"))
            self._boot = _Boot(
                str(known["boot_id"]),
                int(known["sequence"]),
                {str(k): int(v) for k, v in known["counts"].items()},
            )
            for item in known["observations"]:
                if item.pop("told"):
                    self._told.add(item["id"])
                at = datetime.datetime.fromisoformat(item.pop("at"))
                self._seen.append(Observation(at=at, **item))
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            LOG.warning("%s is damaged; starting afresh", self._path)
            self._boot, self._seen, self._told = _Boot(), [], set()


def printable(text: str) -> str:
    """A line of the kernel log, fit for JSON and for a person's eyes."""
    kept = "".join(char if char.isprintable() else " " for char in text)
    return kept.strip()[:_MOST_CHARACTERS]


def _sort(seen: Observation) -> tuple[str, str, int | None]:
    return (seen.kind, seen.pci_address, seen.code)


def _replace(path: pathlib.Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(path.name + ".new")
    try:
        with open(new, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
