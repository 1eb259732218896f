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

from __future__ import annotations

import datetime
import itertools

import hypothesis
import testtools
from hypothesis import strategies as st

from gpubroker.domain import catalogue
from gpubroker.domain import devices
from gpubroker.domain import fences
from gpubroker.domain import inventory
from gpubroker.domain.devices import State
from gpubroker.domain.sightings import Sighting

NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)
ADDRESSES = [f"0000:{bus:02x}:00.0" for bus in range(1, 5)]
HERE, THERE = "h1", "h2"


def seen(address, serial=None, uuid=None, product="20b2", **more):
    return Sighting(
        pci_address=address,
        vendor_id="10de",
        product_id=product,
        serial=serial,
        uuid=uuid,
        on_bus=True,
        **more,
    )


class Shelf:
    """Rows as a store would keep them, with its promises checked."""

    def __init__(self):
        self.rows = {}
        self._ids = (f"d{number}" for number in itertools.count())

    def merge(self, host, sightings, staying=()):
        names = {s.serial for s in sightings} | {s.uuid for s in sightings}
        known = inventory.Known(
            here=[r for r in self.rows.values() if r.host == host],
            elsewhere=[
                r
                for r in self.rows.values()
                if r.host != host and {r.serial, r.uuid} & names - {None}
            ],
            staying=staying,
        )
        merged = inventory.merge(
            host,
            known,
            sightings,
            catalogue.MODELS,
            NOW,
            lambda: next(self._ids),
        )
        for row_id in merged.drop:
            del self.rows[row_id]
        for row_id in merged.vacate:
            del self.rows[row_id]
        for row in (*merged.changed, *merged.added):
            self.put(row)
        for row in merged.rows.values():
            if row.id not in self.rows:
                self.put(row)
        return merged

    def put(self, row):
        others = [r for r in self.rows.values() if r.id != row.id]
        if row.state is State.PRESENT:
            assert not any(
                (r.host, r.pci_address, r.state)
                == (row.host, row.pci_address, State.PRESENT)
                for r in others
            ), f"two cards at {row.pci_address}"
        for name in ("serial", "uuid"):
            mine = getattr(row, name)
            assert mine is None or mine not in [
                getattr(r, name) for r in others
            ], f"two cards with {name} {mine}"
        self.rows[row.id] = row

    def at(self, address, host=HERE):
        (row,) = (
            r
            for r in self.rows.values()
            if (r.host, r.pci_address) == (host, address)
            and r.state is State.PRESENT
        )
        return row


class Merging(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.shelf = Shelf()

    def placeholder(self, address, **more):
        """What the reconcile loop makes before an agent has reported."""
        row = devices.Device(
            id="p1",
            host=HERE,
            pci_address=address,
            provider_id="rp-1",
            provider_generation=3,
            resource_class="CUSTOM_GPU_A100_SXM4_80GB",
            model="a100-sxm4-80gb",
            total=1,
            reserved=0,
            **more,
        )
        self.shelf.put(row)
        return row

    def test_a_new_card_gets_its_model(self):
        self.shelf.merge(HERE, [seen(ADDRESSES[0])])
        self.assertEqual("a100-sxm4-80gb", self.shelf.at(ADDRESSES[0]).model)

    def test_an_unknown_card_has_no_model(self):
        self.shelf.merge(HERE, [seen(ADDRESSES[0], product="ffff")])
        self.assertIsNone(self.shelf.at(ADDRESSES[0]).model)

    def test_a_report_completes_what_placement_showed(self):
        self.placeholder(ADDRESSES[0])
        merged = self.shelf.merge(HERE, [seen(ADDRESSES[0], "S1")])
        row = self.shelf.at(ADDRESSES[0])
        self.assertEqual(
            ("p1", "S1", "rp-1"), (row.id, row.serial, row.provider_id)
        )
        self.assertEqual([], merged.happenings)

    def test_ids_that_a_class_suggests_are_no_facts(self):
        self.placeholder(ADDRESSES[0], vendor_id="10de", product_id="20b2")
        self.shelf.merge(HERE, [seen(ADDRESSES[0], product="20bd")])
        row = self.shelf.at(ADDRESSES[0])
        self.assertEqual(("p1", "20bd"), (row.id, row.product_id))

    def test_a_card_moves_onto_what_placement_showed_first(self):
        self.shelf.merge(THERE, [seen(ADDRESSES[1], "S1")])
        moved = self.shelf.at(ADDRESSES[1], THERE)
        self.placeholder(ADDRESSES[0])
        merged = self.shelf.merge(HERE, [seen(ADDRESSES[0], "S1")])
        row = self.shelf.at(ADDRESSES[0])
        self.assertEqual(
            (moved.id, "rp-1", 3),
            (row.id, row.provider_id, row.provider_generation),
        )
        self.assertEqual({"p1"}, merged.drop)

    def test_a_row_that_a_lease_holds_stays_when_its_card_is_known(self):
        self.shelf.merge(THERE, [seen(ADDRESSES[1], "S1")])
        self.placeholder(ADDRESSES[0], claimed_by="node-1")
        self.shelf.merge(HERE, [seen(ADDRESSES[0], "S1")])
        row = self.shelf.at(ADDRESSES[0])
        self.assertEqual(("p1", "S1"), (row.id, row.serial))
        (old,) = (r for r in self.shelf.rows.values() if r.host == THERE)
        self.assertEqual((State.VANISHED, None), (old.state, old.serial))

    def test_a_fenced_row_that_a_lease_holds_stays(self):
        fence = fences.Fence(device_id="p1", reason=fences.Reason.LEASE)
        self.shelf.merge(THERE, [seen(ADDRESSES[1], "S1")])
        self.placeholder(ADDRESSES[0], fences=(fence,))
        self.shelf.merge(HERE, [seen(ADDRESSES[0], "S1")])
        self.assertEqual("p1", self.shelf.at(ADDRESSES[0]).id)

    def test_what_may_be_no_gpu_does_not_vanish(self):
        self.shelf.put(
            devices.Device(id="n1", host=HERE, pci_address=ADDRESSES[0])
        )
        self.shelf.merge(HERE, [seen(ADDRESSES[1])])
        self.assertEqual("n1", self.shelf.at(ADDRESSES[0]).id)

    def test_a_gpu_of_placement_that_no_agent_sees_vanishes(self):
        self.placeholder(ADDRESSES[0])
        self.shelf.merge(HERE, [seen(ADDRESSES[1])])
        self.assertEqual(State.VANISHED, self.shelf.rows["p1"].state)

    def test_serial_of_one_card_and_uuid_of_another(self):
        self.shelf.merge(
            HERE,
            [
                seen(ADDRESSES[0], "S1", "U1"),
                seen(ADDRESSES[1], "S2", "U2"),
            ],
        )
        one = self.shelf.at(ADDRESSES[0]).id
        self.shelf.merge(HERE, [seen(ADDRESSES[0], "S1", "U2")])
        row = self.shelf.at(ADDRESSES[0])
        self.assertEqual((one, "S1", "U1"), (row.id, row.serial, row.uuid))

    def test_gpus_of_one_board_go_by_their_uuids(self):
        board = [
            seen(address, "S1", f"U{number}")
            for number, address in enumerate(ADDRESSES)
        ]
        merged = self.shelf.merge(HERE, board)
        self.assertEqual(set(), merged.duplicates)
        rows = [self.shelf.at(address) for address in ADDRESSES]
        self.assertEqual(
            [(None, f"U{number}") for number in range(4)],
            [(row.serial, row.uuid) for row in rows],
        )
        # In another server, in another order.
        moved = [
            seen(address, "S1", f"U{3 - number}")
            for number, address in enumerate(ADDRESSES)
        ]
        self.shelf.merge(HERE, [])
        self.shelf.merge(THERE, moved)
        self.assertEqual(
            [row.id for row in reversed(rows)],
            [self.shelf.at(address, THERE).id for address in ADDRESSES],
        )

    def test_of_one_board_the_driver_may_tell_of_one_gpu_after_the_other(self):
        first, second = ADDRESSES[:2]
        self.shelf.merge(HERE, [seen(first, "S1", "U1"), seen(second)])
        one, two = self.shelf.at(first).id, self.shelf.at(second).id
        for _again in range(2):
            merged = self.shelf.merge(
                HERE, [seen(first), seen(second, "S1", "U2")]
            )
            self.assertEqual(set(), merged.duplicates)
            self.assertEqual([], merged.happenings)
        self.assertEqual(
            [(one, "S1", "U1"), (two, None, "U2")],
            [
                (row.id, row.serial, row.uuid)
                for row in (self.shelf.at(first), self.shelf.at(second))
            ],
        )

    def test_the_card_that_had_a_serial_keeps_it(self):
        self.shelf.merge(HERE, [seen(ADDRESSES[1], "S1")])
        merged = self.shelf.merge(
            HERE, [seen(ADDRESSES[0], "S1"), seen(ADDRESSES[1], "S1")]
        )
        self.assertEqual("S1", self.shelf.at(ADDRESSES[1]).serial)
        double = self.shelf.at(ADDRESSES[0])
        self.assertIsNone(double.serial)
        self.assertEqual({double.id}, merged.duplicates)

    def test_another_kind_of_card_at_an_address_is_another_card(self):
        self.shelf.merge(HERE, [seen(ADDRESSES[0])])
        old = self.shelf.at(ADDRESSES[0])
        self.shelf.merge(HERE, [seen(ADDRESSES[0], product="2330")])
        self.assertNotEqual(old.id, self.shelf.at(ADDRESSES[0]).id)
        self.assertEqual(State.VANISHED, self.shelf.rows[old.id].state)


_names = st.sampled_from([None, "1", "2", "3"])
_reports = st.lists(
    st.builds(
        lambda address, serial, uuid, product: seen(
            address, serial and f"S{serial}", uuid and f"U{uuid}", product
        ),
        st.sampled_from(ADDRESSES),
        _names,
        _names,
        st.sampled_from(["20b2", "2330"]),
    ),
    unique_by=lambda sighting: sighting.pci_address,
)
_steps = st.lists(
    st.tuples(st.sampled_from([HERE, THERE]), _reports, st.booleans()),
    max_size=6,
)


class Promises(testtools.TestCase):
    """Over any reports of two hosts in any order."""

    @hypothesis.given(_steps)
    def test_each_card_seen_is_there_once_and_names_are_unique(self, steps):
        shelf = Shelf()
        for host, sightings, speaking in steps:
            known = set(shelf.rows)
            staying = {
                r for r in known if speaking and shelf.rows[r].host != host
            }
            # Shelf.put checks that no address and no name is there twice.
            merged = shelf.merge(host, sightings, staying)
            here = {
                row.pci_address: row
                for row in shelf.rows.values()
                if row.host == host and row.state is State.PRESENT
            }
            addresses = {s.pci_address for s in sightings}
            self.assertEqual(addresses, set(here))
            self.assertEqual(here, merged.rows)
            self.assertEqual(known - merged.drop, known & set(shelf.rows))
            for row in staying:
                self.assertNotEqual(host, shelf.rows[row].host)

    @hypothesis.given(_steps, _reports)
    def test_the_same_report_again_changes_nothing(self, steps, last):
        shelf = Shelf()
        for host, sightings, _speaking in steps:
            shelf.merge(host, sightings)
        shelf.merge(HERE, last)
        before = dict(shelf.rows)
        merged = shelf.merge(HERE, last)
        self.assertEqual(before, shelf.rows)
        self.assertEqual([], merged.happenings)
        self.assertEqual([], merged.added)

    @hypothesis.given(_reports)
    def test_the_order_of_a_report_does_not_matter(self, sightings):
        one, two = Shelf(), Shelf()
        one.merge(HERE, sightings)
        two.merge(HERE, list(reversed(sightings)))
        self.assertEqual(one.rows, two.rows)
