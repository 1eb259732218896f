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

"""Hosts in the store."""

from __future__ import annotations

import dataclasses
import datetime

from gpubroker import errors
from gpubroker.domain import devices
from gpubroker.domain import events
from gpubroker.domain import hosts
from gpubroker.domain import pools
from gpubroker.services.paging import Page
from tests.functional.db import base
from tests.functional.db import samples


class HostTests(base.Tests):
    def test_a_host_comes_back_as_it_went_in(self) -> None:
        with self.store.write() as tx:
            added = tx.hosts.add(samples.host(heartbeat_at=base.START))
        with self.store.read() as tx:
            self.assertEqual(added, tx.hosts.get("gpu-1"))

    def test_update_replaces_capacities_and_conditions(self) -> None:
        with self.store.write() as tx:
            read = tx.hosts.add(samples.host())
            wanted = dataclasses.replace(
                read,
                capacities=(
                    hosts.Capacity(resource_class="DISK_GB", total=9),
                ),
                conditions=(),
                zone="az1",
            )
            won = tx.hosts.update(wanted)
            self.assertEqual(won, tx.hosts.get("gpu-1"))
            self.assertRaises(errors.ConcurrentUpdate, tx.hosts.update, read)

    def test_a_user_reports_for_one_host_only(self) -> None:
        """Also where two are bound at the same moment."""
        with self.store.write() as tx:
            tx.hosts.add(samples.host(agent_user_id="agent"))
            # Of those without an agent there are many.
            tx.hosts.add(samples.host("gpu-2"))
            other = tx.hosts.add(samples.host("gpu-3"))
            both = dataclasses.replace(other, agent_user_id="agent")
            self.assertRaises(errors.Duplicate, tx.hosts.update, both)

    def test_a_heartbeat_is_one_update_and_no_new_generation(self) -> None:
        with self.store.write() as tx:
            read = tx.hosts.add(
                samples.host(report_digest="d1", agent_user_id="agent")
            )
        with self.statements() as sent, self.store.write() as tx:
            self.assertTrue(
                tx.hosts.heartbeat("gpu-1", "d1", "agent", base.START)
            )
        self.assertEqual(1, len(sent), f"{sent}")
        self.assertStartsWith("UPDATE host", sent[0])
        with self.store.read() as tx:
            stands = tx.hosts.get("gpu-1")
        self.assertEqual(
            dataclasses.replace(read, heartbeat_at=base.START), stands
        )

    def assertStartsWith(self, start: str, text: str) -> None:
        self.assertEqual(start, text[: len(start)])

    def test_another_report_or_agent_is_no_heartbeat(self) -> None:
        with self.store.write() as tx:
            tx.hosts.add(
                samples.host(report_digest="d1", agent_user_id="agent")
            )
            tx.hosts.add(samples.host("gpu-2"))
            for name, digest, user in (
                ("gpu-1", "d2", "agent"),
                ("gpu-1", "d1", "other"),
                ("gpu-2", "d1", "agent"),
                ("gpu-3", "d1", "agent"),
            ):
                self.assertFalse(
                    tx.hosts.heartbeat(name, digest, user, base.START)
                )
            self.assertIsNone(tx.hosts.get("gpu-1").heartbeat_at)

    def test_silence_is_noted_once_and_makes_the_next_report_news(
        self,
    ) -> None:
        with self.store.write() as tx:
            read = tx.hosts.add(
                samples.host(
                    report_digest="d",
                    agent_user_id="a",
                    heartbeat_at=base.START,
                )
            )
            self.assertTrue(tx.hosts.silence("gpu-1", base.START))
            self.assertFalse(tx.hosts.silence("gpu-1", base.START))
            self.assertFalse(tx.hosts.heartbeat("gpu-1", "d", "a", base.START))
            self.assertIsNone(tx.hosts.get("gpu-1").report_digest)
            # Whoever still has the digest does not write it.
            self.assertRaises(errors.ConcurrentUpdate, tx.hosts.update, read)

    def test_silence_is_not_noted_when_a_report_came_meanwhile(self) -> None:
        later = base.START + datetime.timedelta(microseconds=1)
        with self.store.write() as tx:
            tx.hosts.add(
                samples.host(
                    report_digest="d", agent_user_id="a", heartbeat_at=later
                )
            )
            self.assertFalse(tx.hosts.silence("gpu-1", base.START))
            self.assertEqual("d", tx.hosts.get("gpu-1").report_digest)

    def test_an_update_never_turns_back_the_heartbeat(self) -> None:
        early, late = base.START, base.START + datetime.timedelta(seconds=30)
        with self.store.write() as tx:
            read = tx.hosts.add(
                samples.host(
                    report_digest="d", agent_user_id="a", heartbeat_at=early
                )
            )
            tx.hosts.heartbeat("gpu-1", "d", "a", late)
            tx.hosts.update(dataclasses.replace(read, compute_reason="x"))
            stands = tx.hosts.get("gpu-1")
        self.assertEqual(
            (late, "x"), (stands.heartbeat_at, stands.compute_reason)
        )

    def test_a_pool_that_is_not_there_is_invalid(self) -> None:
        with self.store.write() as tx:
            error = self.assertRaises(
                errors.Invalid, tx.hosts.add, samples.host(pool="x")
            )
        self.assertEqual("pool", error.fields["field"])

    def test_name_and_hypervisor_are_taken_once(self) -> None:
        with self.store.write() as tx:
            tx.hosts.add(samples.host())
            self.assertRaises(errors.Duplicate, tx.hosts.add, samples.host())
            self.assertRaises(
                errors.Duplicate,
                tx.hosts.add,
                samples.host("gpu-2", hypervisor_hostname="gpu-1.example"),
            )

    def test_a_rename_takes_along_what_is_its_own(self) -> None:
        (device,) = samples.fill(self.store, cards=1)
        with self.store.write() as tx:
            read = tx.hosts.get("gpu-1")
            renamed = tx.hosts.rename(read, "gpu-9")
            self.assertEqual(
                dataclasses.replace(
                    read,
                    name="gpu-9",
                    generation=read.generation + 1,
                    updated_at=renamed.updated_at,
                ),
                renamed,
            )
            self.assertEqual(renamed, tx.hosts.get("gpu-9"))
            self.assertEqual("gpu-9", tx.devices.get(device.id).host)
            self.assertEqual([0], list(tx.hosts.slots("gpu-9").values()))
            self.assertRaises(errors.NotFound, tx.hosts.get, "gpu-1")

    def test_a_rename_loses_to_who_was_quicker(self) -> None:
        with self.store.write() as tx:
            read = tx.hosts.add(samples.host())
            tx.hosts.add(samples.host("gpu-2"))
            self.assertRaises(errors.Duplicate, tx.hosts.rename, read, "gpu-2")
            tx.hosts.update(read)
            self.assertRaises(
                errors.ConcurrentUpdate, tx.hosts.rename, read, "gpu-9"
            )

    def test_hosts_of_a_pool_and_filters(self) -> None:
        with self.store.write() as tx:
            tx.pools.add(pools.Pool(name="r"))
            tx.hosts.add(samples.host("b"))
            tx.hosts.add(samples.host("a", pool="r"))
            tx.hosts.add(
                samples.host(
                    "c",
                    mode=hosts.Mode.OBSERVE,
                    compute_state=hosts.ComputeState.DOWN,
                )
            )
            self.assertEqual(["a"], [h.name for h in tx.hosts.all("r")])
            self.assertEqual(["a", "b", "c"], [h.name for h in tx.hosts.all()])
            for filters, names in (
                ({"pool": "default"}, ["b", "c"]),
                ({"pool": ("default", "r"), "mode": "manage"}, ["a", "b"]),
                ({"compute_state": "down"}, ["c"]),
                ({"mode": "nonsense"}, []),
            ):
                found = tx.hosts.page(Page(filters=filters))
                self.assertEqual(names, [h.name for h in found.items])


class SlotTests(base.Tests):
    def setUp(self) -> None:
        super().setUp()
        with self.store.write() as tx:
            tx.hosts.add(samples.host())

    def test_a_number_is_given_once_and_for_good(self) -> None:
        with self.store.write() as tx:
            tx.hosts.give_slots("gpu-1", {"0000:07:00.0": 0})
            tx.hosts.give_slots(
                "gpu-1", {"0000:07:00.0": 5, "0000:0b:00.0": 1}
            )
        with self.store.read() as tx:
            self.assertEqual(
                {"0000:07:00.0": 0, "0000:0b:00.0": 1}, tx.hosts.slots("gpu-1")
            )

    def test_two_addresses_never_share_a_number(self) -> None:
        with self.store.write() as tx:
            tx.hosts.give_slots("gpu-1", {"0000:07:00.0": 0})
            self.assertRaises(
                errors.Conflict,
                tx.hosts.give_slots,
                "gpu-1",
                {"0000:0b:00.0": 0},
            )
            self.assertRaises(
                errors.Conflict,
                tx.hosts.give_slots,
                "gpu-1",
                {"0000:0c:00.0": 3, "0000:0d:00.0": 3},
            )

    def test_every_reading_of_a_device_brings_its_slot(self) -> None:
        with self.store.write() as tx:
            tx.models.add(samples.model())
            device = tx.devices.add(samples.device(slot=None))
            self.assertIsNone(tx.devices.get(device.id).slot)
            tx.hosts.give_slots("gpu-1", {device.pci_address: 4})
            self.assertEqual(4, tx.devices.get(device.id).slot)
            moved = dataclasses.replace(
                tx.devices.get(device.id), pci_address="0000:ff:00.0"
            )
            tx.devices.update(moved)
            self.assertIsNone(tx.devices.get(device.id).slot)

    def test_an_unknown_host_has_none(self) -> None:
        with self.store.write() as tx:
            self.assertEqual({}, tx.hosts.slots("x"))
            self.assertRaises(errors.NotFound, tx.hosts.give_slots, "x", {})


class HostDeleteTests(base.Tests):
    def test_a_host_with_a_present_device_stays(self) -> None:
        samples.fill(self.store)
        with self.store.write() as tx:
            self.assertRaises(errors.InUse, tx.hosts.delete, "gpu-1")

    def test_vanished_devices_go_with_it_and_their_events_stay(self) -> None:
        (device,) = samples.fill(self.store, cards=1)
        with self.store.write() as tx:
            tx.devices.update(
                dataclasses.replace(device, state=devices.State.VANISHED)
            )
            tx.events.add(
                events.Event(
                    at=base.START,
                    kind="device.vanished",
                    message="gone",
                    device_id=device.id,
                    serial=device.serial,
                )
            )
            tx.hosts.delete("gpu-1")
        with self.store.read() as tx:
            self.assertRaises(errors.NotFound, tx.devices.get, device.id)
            page = Page(filters={"device_id": device.id})
            self.assertEqual(1, len(tx.events.page(page).items))

    def test_a_host_with_a_claim_stays_whole(self) -> None:
        (device,) = samples.fill(self.store, cards=1)
        with self.store.write() as tx:
            lease = tx.leases.add(samples.lease(), None)
            tx.claims.add(lease.nodes[0].id, [device.id])
            tx.devices.update(
                dataclasses.replace(device, state=devices.State.VANISHED)
            )
            self.assertRaises(errors.InUse, tx.hosts.delete, "gpu-1")
        with self.store.read() as tx:
            self.assertEqual(device.id, tx.devices.get(device.id).id)

    def test_what_is_not_there(self) -> None:
        with self.store.write() as tx:
            self.assertRaises(errors.NotFound, tx.hosts.get, "x")
            self.assertRaises(errors.NotFound, tx.hosts.delete, "x")
            self.assertRaises(
                errors.NotFound, tx.hosts.update, samples.host("x")
            )


HostTestsOnSQLite, HostTestsOnMariaDB, HostTestsOnPostgreSQL = base.bound(
    HostTests
)

SlotTestsOnSQLite, SlotTestsOnMariaDB, SlotTestsOnPostgreSQL = base.bound(
    SlotTests
)

(
    HostDeleteTestsOnSQLite,
    HostDeleteTestsOnMariaDB,
    HostDeleteTestsOnPostgreSQL,
) = base.bound(HostDeleteTests)
