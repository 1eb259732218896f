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

"""What matters most about a card: said by each, filtered by and counted."""

from __future__ import annotations

import dataclasses
import itertools

from gpubroker.domain import devices
from gpubroker.domain import fences
from gpubroker.domain import hosts
from gpubroker.domain import pools
from gpubroker.services.paging import Page
from tests.functional.db import base
from tests.functional.db import samples
from tests.functional.db import test_devices

_MODEL = "a100-sxm4-80gb"
_FENCES = (
    None,
    fences.Reason.OPERATOR,
    fences.Reason.HEALTH,
    fences.Reason.LEASE,
)


class AvailabilityTests(test_devices.FilterCase):
    def test_availability(self) -> None:
        self.check([0], availability="free")
        self.check([1, 3], availability="leased")
        self.check([2], availability="sick")
        self.check([4, 5, 6], availability=("vanished", "unknown"))
        self.check([2, 6], availability=("unknown", "sick"), model=_MODEL)

    def test_it_is_what_each_device_says(self) -> None:
        """Whatever holds of a card at once."""
        self.every_mixture()
        with self.store.read() as tx:
            every = tx.devices.all()
            by_filter = {
                one: tx.devices.page(
                    Page(filters={"availability": one.value}, limit=1000)
                ).items
                for one in devices.Availability
            }
            counts = tx.devices.tally(["default"])["default"].counts
        for one, found in by_filter.items():
            said = [card for card in every if card.availability is one]
            self.assertEqual(
                [card.id for card in said], [card.id for card in found], one
            )
            # What has neither is no GPU, and counted nowhere.
            gpus = [card for card in said if card.model or card.provider_id]
            self.assertEqual(len(gpus), counts[one], one)
            self.assertTrue(said, one)

    def every_mixture(self) -> None:
        """Cards that are and have whatever speaks for an availability."""
        mixtures = itertools.product(
            devices.State, ("OK", "BAD"), _FENCES, (False, True), (0, 1)
        )
        with self.store.write() as tx:
            tx.hosts.add(samples.host("gpu-2"))
            for n, (state, health, reason, used, reserved) in enumerate(
                mixtures
            ):
                card = tx.devices.add(
                    samples.device(
                        100 + n,
                        host="gpu-2",
                        state=state,
                        health=devices.Health(health),
                        reserved=reserved,
                        slot=n,
                        consumers=("c9",) if used else (),
                    )
                )
                if reason:
                    tx.fences.add(
                        fences.Fence(device_id=card.id, reason=reason)
                    )

    def test_a_tally_of_pools(self) -> None:
        with self.store.write() as tx:
            tx.pools.add(pools.Pool(name="empty"))
        with self.store.read() as tx:
            found = tx.devices.tally(["default", "empty"])
        self.assertEqual(
            {
                "free": 1,
                "leased": 2,
                "sick": 1,
                "vanished": 1,
                "unknown": 1,
                "fenced": 0,
                "used_outside": 0,
            },
            found["default"].counts,
        )
        self.assertEqual(0, sum(found["empty"].counts.values()))

    def test_free_cards_of_a_host_that_gives_none_out(self) -> None:
        for mode, compute_state, withheld in (
            (hosts.Mode.MANAGE, hosts.ComputeState.UP, 0),
            (hosts.Mode.OBSERVE, hosts.ComputeState.UP, 1),
            (hosts.Mode.MANAGE, hosts.ComputeState.DOWN, 1),
        ):
            with self.store.write() as tx:
                host = dataclasses.replace(
                    tx.hosts.get("gpu-1"),
                    mode=mode,
                    compute_state=compute_state,
                )
                tx.hosts.update(host)
            with self.store.read() as tx:
                found = tx.devices.tally(["default"])["default"]
            self.assertEqual(withheld, found.withheld, compute_state)

    def test_hosts_that_have_such_a_device(self) -> None:
        with self.store.write() as tx:
            tx.hosts.add(samples.host("gpu-2"))
            tx.devices.add(samples.device(50, host="gpu-2"))
        for availability, expected in (
            ("free", ["gpu-1", "gpu-2"]),
            ("sick", ["gpu-1"]),
            (("used_outside",), []),
        ):
            page = Page(filters={"device_availability": availability})
            with self.store.read() as tx:
                found = tx.hosts.page(page).items
            self.assertEqual(expected, [host.name for host in found])


(
    AvailabilityTestsOnSQLite,
    AvailabilityTestsOnMariaDB,
    AvailabilityTestsOnPostgreSQL,
) = base.bound(AvailabilityTests)
