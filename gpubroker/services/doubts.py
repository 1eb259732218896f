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

"""Cards whose serial number or UUID another card had, too, when last seen.

Which of two cards has a name by right shows only when one of them goes. The
host of the other sees nothing of that: its report stays the same, and one
that is no news is not merged.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from gpubroker.domain.devices import Device
from gpubroker.domain.devices import Health
from gpubroker.services import ports
from gpubroker.services.paging import Page

_RULE = "duplicate_serial"


def reconsider(tx: ports.Transaction, but: str | None = None) -> None:
    """A name may be free now: have the next report of each host with such a
    card merged, whatever it says.

    :param but: a host whose report was merged just now.
    """
    for name in sorted({row.host for row in _doubtful(tx)} - {but}):
        host = tx.hosts.get(name)
        if host.report_digest is not None:
            tx.hosts.update(dataclasses.replace(host, report_digest=None))


def _doubtful(tx: ports.Transaction) -> Iterator[Device]:
    filters = {"health": (Health.SUSPECT, Health.BAD)}
    marker = None
    while True:
        page = Page(filters=filters, marker=marker, limit=1000)
        found = tx.devices.page(page)
        for row in found.items:
            if any(reason.rule == _RULE for reason in row.health_reasons):
                yield row
        if not found.more:
            return
        marker = found.items[-1].id
