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

"""What of a host matters to who asks what fits there, and the answers so far.

Most hosts of a pool are alike: the same model, the same cards free, the same
room. What fits on one of them fits on all, so that it is worked out once.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar, cast

from gpubroker.domain.matching import HostView

T = TypeVar("T")

#: Answers that one shape keeps; a cloud asks for fewer than it has flavors
#: and kinds of waiting orders, but anybody may ask for any number of cards.
_MOST = 128


class Question:
    """What to answer, hashed once for all the shapes that are asked."""

    __slots__ = ("_hash", "_parts")

    def __init__(self, *parts: Hashable) -> None:
        self._parts = parts
        self._hash = hash(parts)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Question) and self._parts == other._parts


class Shape:
    """Equal only to itself; see ``Shapes``.

    :ivar host: one of this shape; what tells it from others (name, ids,
        addresses, failures) is not to be looked at.
    """

    __slots__ = ("__weakref__", "_answers", "host")

    def __init__(self, host: HostView) -> None:
        self.host = host
        self._answers: dict[Question, object] = {}

    def answer(self, question: Question, work: Callable[[HostView], T]) -> T:
        """What ``work`` makes of the host.

        :param question: the same for the same work only.
        """
        # Threads share it: another one may begin a new book meanwhile.
        answers = self._answers
        if question in answers:
            return cast(T, answers[question])
        found = work(self.host)
        if len(answers) >= _MOST:
            answers = self._answers = {}
        answers[question] = found
        return found


class Shapes:
    """One object for each shape that some host has."""

    def __init__(self) -> None:
        self._known: weakref.WeakValueDictionary[Hashable, Shape] = (
            weakref.WeakValueDictionary()
        )

    def of(self, host: HostView) -> Shape:
        key = _key(host)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Shape(host)
        return found

    def of_all(self, hosts: Iterable[HostView]) -> tuple[Shape, ...]:
        return tuple(map(self.of, hosts))


def _key(host: HostView) -> Hashable:
    return (
        host.state,
        host.vcpus,
        host.ram_mib,
        host.disk_gib,
        host.vcpus_total,
        host.ram_mib_total,
        host.disk_gib_total,
        host.zone,
        host.traits,
        tuple(
            (
                card.model,
                card.slot,
                card.numa_node,
                card.availability,
                card.why,
            )
            for card in host.cards
        ),
    )
