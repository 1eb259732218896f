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

"""An audit: look, and look again at what may have been on its way.

A snapshot of many services is of no single moment: a server may be gone
between two calls, rightly. What is found is told only when it is still
found later, after the grace where nobody knows how old it is.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from gpubroker.audit import checks
from gpubroker.audit.checks.view import Patience
from gpubroker.audit.findings import Finding
from gpubroker.audit.snapshot import Snapshot

#: Between two looks, so that no call of the first is still under way.
PAUSE = datetime.timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Audit:
    """:param seen: the last look.
    :param found: the same in every look.
    """

    seen: Snapshot
    found: tuple[Finding, ...]

    @property
    def complete(self) -> bool:
        return not any(finding.incomplete for finding in self.found)


def audit(
    look: Callable[[], Snapshot],
    patience: Patience,
    sleep: Callable[[float], None],
    tell: Callable[[str], None] = lambda words: None,
) -> Audit:
    """
    :param look: takes a new snapshot.
    :param tell: told why it takes longer, when it does.
    """
    seen = look()
    found = checks.run(seen, patience)
    doubtful = [finding for finding in found if not finding.lasting]
    if not doubtful:
        return Audit(seen, tuple(found))
    pause = _pause(doubtful, patience)
    tell(
        f"{len(doubtful)} found at first; looking again in "
        f"{pause.total_seconds():.0f} s."
    )
    sleep(pause.total_seconds())
    seen = look()
    known = {finding.key for finding in doubtful}
    again = [
        finding
        for finding in checks.run(seen, patience)
        if finding.lasting or finding.key in known
    ]
    return Audit(seen, (*again, *_only_at_first(found, again)))


def _only_at_first(
    found: Iterable[Finding], again: Iterable[Finding]
) -> Iterator[Finding]:
    """What could not be seen at first was not looked at twice, though it may
    be seen by now."""
    told = {finding.key for finding in again}
    for finding in found:
        if finding.incomplete and finding.key not in told:
            yield finding


def _pause(
    found: Collection[Finding], patience: Patience
) -> datetime.timedelta:
    """Short when each is known to be older than the grace."""
    if all(one.since is not None and not one.vague for one in found):
        return PAUSE
    return max(PAUSE, patience.grace)
