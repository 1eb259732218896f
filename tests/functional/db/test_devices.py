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

"""Devices in the store."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from gpubroker import errors
from gpubroker.domain import devices
from gpubroker.domain import fences
from gpubroker.domain import pools
from gpubroker.domain import traits
from gpubroker.services.paging import Page
from tests.functional.db import base
from tests.functional.db import samples


class DeviceTests(base.Tests):
    def setUp(self) -> None:
        super().setUp()
        self.cards = samples.fill(self.store)

    def test_a_device_comes_back_as_it_went_in(self) -> None:
        with self.store.write() as tx:
            added = tx.devices.add(
                samples.device(9, uuid="GPU-9", consumers=("c1", "c2"))
            )
        with self.store.read() as tx:
            self.assertEqual(added, tx.devices.get(added.id))
            self.assertEqual(added, tx.devices.by_serial("gpu-1-9"))
            self.assertIsNone(tx.devices.by_serial("x"))

    def test_all_that_hangs_on_it_comes_with_it(self) -> None:
        card = self.cards[0]
        with self.store.write() as tx:
            lease = tx.leases.add(samples.lease(), None)
            tx.claims.add(lease.nodes[0].id, [card.id])
            tx.fences.add(
                fences.Fence(
                    device_id=card.id,
                    reason=fences.Reason.LEASE,
                    lease_id=lease.id,
                    created_at=base.START,
                )
            )
            slot = traits.ProviderTrait(
                trait="CUSTOM_GPUBROKER_SLOT_0",
                source=traits.Source.PLACEMENT,
                host="gpu-1",
                device_id=card.id,
            )
            tx.traits.replace("gpu-1", traits.Source.PLACEMENT, [slot])
        with self.store.read() as tx:
            stands = tx.devices.get(card.id)
            other = tx.devices.get(self.cards[1].id)
        self.assertEqual(lease.nodes[0].id, stands.claimed_by)
        self.assertEqual({fences.Reason.LEASE}, stands.reasons)
        self.assertEqual(lease.id, stands.fences[0].lease_id)
        self.assertEqual(("CUSTOM_GPUBROKER_SLOT_0",), stands.traits)
        self.assertEqual(self.cards[1], other)

    def test_collections_are_in_order_of_host_and_address(self) -> None:
        with self.store.write() as tx:
            tx.pools.add(pools.Pool(name="r"))
            tx.hosts.add(samples.host("a", pool="r"))
            other = tx.devices.add(samples.device(0, "a"))
        with self.store.read() as tx:
            everything = [other, *self.cards]
            self.assertEqual(everything, tx.devices.all())
            self.assertEqual(self.cards, tx.devices.of_host("gpu-1"))
            self.assertEqual([other], tx.devices.of_host("a"))
            self.assertEqual([], tx.devices.of_host("x"))
            ids = [self.cards[1].id, other.id, samples.new_id()]
            self.assertEqual([other, self.cards[1]], tx.devices.many(ids))
            self.assertEqual([], tx.devices.many([]))

    def test_one_present_device_an_address(self) -> None:
        address = self.cards[0].pci_address
        with self.store.write() as tx:
            self.assertRaises(
                errors.Duplicate,
                tx.devices.add,
                samples.device(5, pci_address=address, slot=None),
            )
            # Any number of cards that were there before may have it.
            for n, card in enumerate([self.cards[0], *([None] * 2)]):
                current = card or next(
                    d
                    for d in tx.devices.of_host("gpu-1")
                    if d.pci_address == address
                    and d.state is devices.State.PRESENT
                )
                tx.devices.update(
                    dataclasses.replace(current, state=devices.State.VANISHED)
                )
                tx.devices.add(
                    samples.device(0, pci_address=address, serial=f"new-{n}")
                )
        with self.store.read() as tx:
            found = tx.devices.page(Page(filters={"pci_address": address}))
        self.assertEqual(4, len(found.items))
        # The slot belongs to the address, so all of them show it.
        self.assertEqual({0}, {device.slot for device in found.items})

    def test_serial_and_uuid_are_known_once(self) -> None:
        with self.store.write() as tx:
            tx.devices.add(samples.device(5, uuid="GPU-5"))
            for fields in (
                {"serial": "gpu-1-0"},
                {"uuid": "GPU-5"},
                {"id": self.cards[0].id},
            ):
                self.assertRaises(
                    errors.Duplicate,
                    tx.devices.add,
                    samples.device(6, **fields),
                )
            # Nothing known is nothing that clashes.
            for n in (7, 8, 9):
                tx.devices.add(samples.device(n, serial="", uuid=None))
        with self.store.read() as tx:
            self.assertEqual(
                [None] * 3, [d.serial for d in tx.devices.all()][-3:]
            )

    def test_a_card_moves_to_another_host(self) -> None:
        with self.store.write() as tx:
            tx.hosts.add(samples.host("gpu-2"))
            tx.devices.update(
                dataclasses.replace(
                    self.cards[0], host="gpu-2", pci_address="0000:01:00.0"
                )
            )
        with self.store.read() as tx:
            stands = tx.devices.get(self.cards[0].id)
        self.assertEqual(
            ("gpu-2", "0000:01:00.0"), (stands.host, stands.pci_address)
        )

    def test_stale_and_missing(self) -> None:
        with self.store.write() as tx:
            tx.devices.update(self.cards[0])
            self.assertRaises(
                errors.ConcurrentUpdate, tx.devices.update, self.cards[0]
            )
            ghost = samples.device(9)
            for call, what in (
                (tx.devices.get, ghost.id),
                (tx.devices.update, ghost),
                (tx.devices.mirror, ghost),
            ):
                self.assertRaises(errors.NotFound, call, what)
            self.assertRaises(
                errors.NotFound, tx.devices.add, samples.device(3, "x")
            )
            self.assertRaises(
                errors.Invalid, tx.devices.add, samples.device(3, model="x")
            )


class MirrorTests(base.Tests):
    def setUp(self) -> None:
        super().setUp()
        (self.card, _) = samples.fill(self.store)

    def test_it_writes_only_what_placement_shows(self) -> None:
        seen = dataclasses.replace(
            self.card,
            total=3,
            reserved=3,
            provider_generation=99,
            closing_generation=98,
            consumers=("c1",),
            health=devices.Health.BAD,
            driver="nvidia",
        )
        with self.store.write() as tx:
            tx.devices.mirror(seen)
        with self.store.read() as tx:
            stands = tx.devices.get(self.card.id)
        self.assertEqual(
            dataclasses.replace(
                self.card,
                total=3,
                reserved=3,
                provider_generation=99,
                closing_generation=98,
                consumers=("c1",),
                updated_at=stands.updated_at,
            ),
            stands,
        )

    def test_the_same_again_writes_nothing(self) -> None:
        with self.statements() as sent, self.store.write() as tx:
            tx.devices.mirror(self.card)
        self.assertEqual(
            ["SELECT"] * len(sent), [text.split()[0] for text in sent]
        )

    def test_an_update_from_before_it_loses(self) -> None:
        """Or it would bring back the consumers of before, and a card in use
        would look free."""
        with self.store.write() as tx:
            tx.devices.mirror(
                dataclasses.replace(self.card, consumers=("c1",))
            )
            self.assertRaises(
                errors.ConcurrentUpdate, tx.devices.update, self.card
            )
            fresh = tx.devices.get(self.card.id)
            tx.devices.update(
                dataclasses.replace(fresh, health=devices.Health.BAD)
            )
            self.assertEqual(("c1",), tx.devices.get(self.card.id).consumers)


class FilterCase(base.Tests):
    """Cards 0: free, 1: claimed, 2: fenced, 3: in use, 4: vanished,
    5: without a model, 6: not open in Placement yet."""

    def setUp(self) -> None:
        super().setUp()
        cards = samples.fill(self.store, cards=4)
        with self.store.write() as tx:
            cards.append(
                tx.devices.add(samples.device(4, state=devices.State.VANISHED))
            )
            cards.append(
                tx.devices.add(
                    samples.device(
                        5, model=None, uuid="GPU-5", provider_id=None
                    )
                )
            )
            cards.append(tx.devices.add(samples.device(6, reserved=1)))
            self.lease = tx.leases.add(samples.lease(), None)
            tx.claims.add(self.lease.nodes[0].id, [cards[1].id])
            for n, reason in ((2, "operator"), (2, "health"), (4, "health")):
                tx.fences.add(
                    fences.Fence(
                        device_id=cards[n].id, reason=fences.Reason(reason)
                    )
                )
            tx.fences.add(
                fences.Fence(
                    device_id=cards[3].id,
                    reason=fences.Reason.LEASE,
                    lease_id=self.lease.id,
                )
            )
            tx.devices.mirror(dataclasses.replace(cards[3], consumers=("c1",)))
        self.number = {card.id: n for n, card in enumerate(cards)}

    def check(self, expected: list[int], **filters: Any) -> None:
        with self.store.read() as tx:
            found = tx.devices.page(Page(filters=filters))
        numbers = [self.number[device.id] for device in found.items]
        self.assertEqual(expected, numbers, f"{filters}")


class DeviceFilterTests(FilterCase):
    def test_filters(self) -> None:
        everything = [0, 1, 2, 3, 4, 5, 6]
        self.check(everything, host="gpu-1", pool="default")
        self.check([], pool="x")
        self.check([0, 1, 2, 3, 4, 6], model="a100-sxm4-80gb")
        self.check([5], model=None)
        self.check([4], state="vanished")
        self.check(everything, health=("OK", "BAD"))
        self.check([], health="BAD")
        self.check([2], fence="operator")
        self.check([2, 3], fence=("operator", "lease"))
        self.check([2, 3, 4], fence="any")
        self.check([1, 3], lease_id=self.lease.id)
        self.check([], lease_id="x")
        self.check([1], serial="gpu-1-1")
        self.check([5], uuid="GPU-5")
        self.check([0, 1], pci_address=("0000:07:00.0", "0000:08:00.0"))
        self.check([0], schedulable=True)
        self.check([1, 2, 3, 4, 5, 6], schedulable=False)
        self.check(everything, schedulable=(True, False))
        self.check([2], schedulable=False, fence="operator")

    def test_a_filter_and_the_device_call_the_same_schedulable(self) -> None:
        with self.store.read() as tx:
            able = [card.id for card in tx.devices.all() if card.schedulable]
            found = tx.devices.page(Page(filters={"schedulable": True}))
        self.assertEqual([card.id for card in found.items], able)

    def test_what_is_no_filter_is_invalid(self) -> None:
        with self.store.read() as tx:
            error = self.assertRaises(
                errors.Invalid, tx.devices.page, Page(filters={"colour": 1})
            )
        self.assertEqual("colour", error.fields["field"])


class TimeTests(base.Tests):
    """Times keep their microseconds and their zone everywhere."""

    def test_microseconds(self) -> None:
        zone = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
        moment = datetime.datetime(2026, 3, 1, 2, 3, 4, 567891, zone)
        with self.store.write() as tx:
            tx.hosts.add(samples.host(heartbeat_at=moment))
        with self.store.read() as tx:
            stands = tx.hosts.get("gpu-1").heartbeat_at
        assert stands
        self.assertEqual(moment, stands)
        self.assertEqual(datetime.timedelta(0), stands.utcoffset())


DeviceTestsOnSQLite, DeviceTestsOnMariaDB, DeviceTestsOnPostgreSQL = (
    base.bound(DeviceTests)
)

MirrorTestsOnSQLite, MirrorTestsOnMariaDB, MirrorTestsOnPostgreSQL = (
    base.bound(MirrorTests)
)

(
    DeviceFilterTestsOnSQLite,
    DeviceFilterTestsOnMariaDB,
    DeviceFilterTestsOnPostgreSQL,
) = base.bound(DeviceFilterTests)

TimeTestsOnSQLite, TimeTestsOnMariaDB, TimeTestsOnPostgreSQL = base.bound(
    TimeTests
)
