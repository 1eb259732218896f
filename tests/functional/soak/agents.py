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

"""The agents of the hosts: cards fall ill, and some of them go silent."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

from gpubroker import errors
from gpubroker.domain import fences
from gpubroker.services import fence
from gpubroker.services import report
from tests.fixtures import estate
from tests.fixtures import world

OPERATOR = "operator"
#: Bad, and only a reason to be suspicious.
FATAL, ODD = 79, 62


class Agents:
    """:ivar silent: hosts that do not report."""

    def __init__(self, found: world.World) -> None:
        self._world = found
        self._number = itertools.count(1)
        self._boots = dict.fromkeys(found.trees, 1)
        self._log: dict[str, list[dict[str, Any]]] = {
            name: [] for name in found.trees
        }
        self.silent: set[str] = set()
        for name in found.trees:
            with found.store.write() as tx:
                host = tx.hosts.get(name)
                user = estate.agent(name)
                tx.hosts.update(dataclasses.replace(host, agent_user_id=user))

    def report(self) -> None:
        """All that are not silent; what stands in the kernel's log is told
        each time, until the host boots."""
        for name in sorted(self._log.keys() - self.silent):
            self._report(name)

    def _report(self, name: str) -> None:
        body = estate.body(
            *estate.whole_host(self._world.trees[name].addresses),
            agent={"version": "1.0", "boot_id": self._boot(name)},
            observations=self._log[name],
        )
        report.take_report(
            self._world.core,
            name,
            estate.agent(name),
            body,
            self._world.clock.now(),
        )

    def _boot(self, name: str) -> str:
        return f"{name}-boot-{self._boots[name]}"

    def sicken(self, name: str, slot: int, code: int) -> None:
        """A line in the kernel's log, and a report of it."""
        address = self._world.trees[name].addresses[slot]
        seen = estate.xid(address, code)
        seen["id"] = f"{self._boot(name)}:{next(self._number)}"
        self._log[name].append(seen)
        self.silent.discard(name)
        self._report(name)

    def boots(self, name: str) -> None:
        self._boots[name] += 1
        self._log[name].clear()
        self.silent.discard(name)
        self._report(name)

    def forgive(self) -> int:
        """An operator lifts every fence that a fault has set.

        :returns: how many.
        """
        with self._world.store.read() as tx:
            ill = [c for c in tx.devices.all() if c.health_reasons]
        lifted = 0
        for card in ill:
            try:
                fence.unfence(
                    self._world.core,
                    card.id,
                    fences.Reason.HEALTH,
                    OPERATOR,
                )
            except errors.NotFound:
                continue
            lifted += 1
        self.report()
        return lifted

    def faulty(self) -> list[str]:
        """Cards that are fenced for a fault."""
        with self._world.store.read() as tx:
            return [
                f"{c.host} {c.pci_address}: {c.health_reasons}"
                for c in tx.devices.all()
                if fences.Reason.HEALTH in c.reasons
            ]
