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

"""Which request goes wrong, and how.

Pure: no sockets, no clock. A rule is data, so that tests hand it over as
JSON.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import re
import threading
from collections import Counter
from collections.abc import Iterable
from typing import Any


class Fault(enum.StrEnum):
    """What the broker sees of one request to one service."""

    #: The answer has another status; the service is never asked.
    STATUS = "status"
    #: The connection breaks before the service is asked.
    RESET = "reset"
    #: The service does it, and the connection breaks before the answer.
    LOST = "lost"
    #: The service does it, and no answer comes for ``seconds``.
    HANG = "hang"
    #: The answer comes, ``seconds`` late.
    SLOW = "slow"
    #: The service does it, and the answer is not what a service says.
    GARBLED = "garbled"
    #: The process that asks is killed before the service is asked.
    KILL_BEFORE = "kill_before"
    #: It is killed while the service works.
    KILL_DURING = "kill_during"
    #: It is killed when the service has done it.
    KILL_AFTER = "kill_after"
    #: A token's catalogue lacks the service type ``forget``.
    FORGET = "forget"


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """Every field that is set has to fit.

    :param kind: ``Request.kind``, exactly.
    :param service: ``nova``, ``keystone`` ...; empty for any.
    :param path: a regular expression that is found in path and query.
    :param client: ``api``, ``worker`` or ``agent``, gpubroker's processes.
    :param nth: that one alone of its kind, counted since the rules were put.
    :param skip: how many fitting requests pass first.
    :param times: how many go wrong then; 0 for all.
    :param chance: of each; which ones follows from ``seed``, the request
        and how many like it there were, so that a seed can be tried again.
    """

    fault: Fault
    kind: str = ""
    service: str = ""
    method: str = ""
    path: str = ""
    client: str = ""
    nth: int = 0
    skip: int = 0
    times: int = 0
    chance: float = 1.0
    seed: int = 0
    status: int = 503
    seconds: float = 0.0
    forget: str = ""

    @classmethod
    def of(cls, data: dict[str, Any]) -> Rule:
        """:raises ValueError, TypeError: a rule that can not be meant."""
        made = cls(**{**data, "fault": Fault(data["fault"])})
        try:
            re.compile(made.path)
        except re.error as error:
            raise ValueError(f"path: {error}") from error
        return made

    def data(self) -> dict[str, Any]:
        """What of it is set."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    service: str
    method: str
    path: str
    client: str = ""

    @property
    def kind(self) -> str:
        """The request without what differs from lease to lease."""
        return f"{self.service} {self.method} {template(self.path)}"


@dataclasses.dataclass(frozen=True, slots=True)
class Hit:
    """A request that goes wrong, and by which rule.

    :param nth: of its kind since the rules were put.
    """

    rule: Rule
    kind: str
    nth: int

    @property
    def again(self) -> Rule:
        """This one thing, whatever the rule was that chose it."""
        rule = self.rule
        return Rule(
            rule.fault,
            kind=self.kind,
            nth=self.nth,
            status=rule.status,
            seconds=rule.seconds,
            forget=rule.forget,
        )


_IDS = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}"), "ID"),
    (re.compile(r"[0-9a-f]{32}"), "ID"),
    (re.compile(r"CUSTOM_GPUBROKER_[0-9A-F_]+"), "TICKET"),
    (re.compile(r"CUSTOM_GPUBROKERMARK_[0-9A-F_]+"), "MARK"),
    (re.compile(r"gpubroker-[0-9A-Za-z-]*ID(-\d+)*"), "SHAPE"),
    (re.compile(r"CUSTOM_GPU_[0-9A-Z_]+"), "CLASS"),
    (re.compile(r"^/v1/hosts/[^/]+"), "/v1/hosts/HOST"),
)


def template(path: str) -> str:
    """A path without query, ids and names of the broker's own things."""
    path = path.partition("?")[0]
    for pattern, word in _IDS:
        path = pattern.sub(word, path)
    return path


class Rules:
    """The rules in force; the first that fits decides.

    Used by many threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._fitted: list[int] = []
        self._seen: Counter[str] = Counter()

    def put(self, rules: Iterable[Rule]) -> None:
        """Replace all rules and begin to count anew."""
        with self._lock:
            self._rules = list(rules)
            self._fitted = [0] * len(self._rules)
            self._seen.clear()

    def judge(self, request: Request) -> Hit | None:
        """Count a request, and say how it goes wrong, if it does."""
        with self._lock:
            self._seen[request.kind] += 1
            nth = self._seen[request.kind]
            for index, rule in enumerate(self._rules):
                if not self._fits(rule, request):
                    continue
                self._fitted[index] += 1
                turn = self._fitted[index] - rule.skip
                if turn > 0 and not (rule.times and turn > rule.times):
                    return Hit(rule, request.kind, nth)
        return None

    def _fits(self, rule: Rule, request: Request) -> bool:
        wanted = (
            (rule.kind, request.kind),
            (rule.service, request.service),
            (rule.method, request.method),
            (rule.client, request.client),
            (rule.nth, self._seen[request.kind]),
        )
        if any(want and want != have for want, have in wanted):
            return False
        if not re.search(rule.path, request.path):
            return False
        return self._hit(rule, request)

    def _hit(self, rule: Rule, request: Request) -> bool:
        if rule.chance >= 1:
            return True
        text = f"{rule.seed} {request.kind} {self._seen[request.kind]}"
        digest = hashlib.sha256(text.encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64 < rule.chance
