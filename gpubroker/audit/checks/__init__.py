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

"""Pure checks: a snapshot in, findings out.

Each looks at one kind of thing; together they are an audit.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator

from gpubroker.audit.checks import cards
from gpubroker.audit.checks import claims
from gpubroker.audit.checks import computes
from gpubroker.audit.checks import fences
from gpubroker.audit.checks import flavors
from gpubroker.audit.checks import images
from gpubroker.audit.checks import leftovers
from gpubroker.audit.checks import others
from gpubroker.audit.checks import ports
from gpubroker.audit.checks import promises
from gpubroker.audit.checks import trusts
from gpubroker.audit.checks import unseen
from gpubroker.audit.checks import waiting
from gpubroker.audit.checks.view import Patience
from gpubroker.audit.checks.view import View
from gpubroker.audit.findings import Finding
from gpubroker.audit.snapshot import Snapshot

__all__ = ["ALL", "Patience", "run"]

ALL: tuple[Callable[[View], Iterator[Finding]], ...] = (
    promises.check,
    cards.check,
    claims.check,
    fences.check,
    leftovers.check,
    ports.check,
    trusts.check,
    waiting.check,
    images.check,
    flavors.check,
    computes.check,
    unseen.check,
    others.check,
)


def run(seen: Snapshot, patience: Patience) -> list[Finding]:
    """All that is found in one look, but for what is younger than the
    grace."""
    view = View(seen, patience)
    return [
        finding
        for check in ALL
        for finding in check(view)
        if not _young(view, finding)
    ]


def _young(view: View, finding: Finding) -> bool:
    if finding.since is None:
        return False
    # Clocks differ: nothing is younger than no time at all.
    age = max(view.seen.taken_at - finding.since, datetime.timedelta())
    return age < view.patience.grace
