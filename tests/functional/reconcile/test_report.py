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

"""What an agent reports becomes rows, each card under the name it has."""

from __future__ import annotations

import dataclasses

from gpubroker import errors
from gpubroker.domain.devices import Health
from gpubroker.domain.devices import State
from gpubroker.domain.fences import Reason
from gpubroker.services import broker
from gpubroker.services import enrol
from gpubroker.services import fence
from gpubroker.services import report
from tests.fixtures import database
from tests.fixtures import estate
from tests.functional.reconcile import base

CARD, OTHER = estate.ADDRESSES[:2]


class Taking(base.HostCase):
    def test_a_first_report_fills_in_what_placement_does_not_know(self):
        before = self.estate.card(CARD)
        answer = self.report(*base.four(numa_node=1))
        self.assertTrue(answer.changed)
        card = self.estate.card(CARD)
        self.assertEqual(
            (before.id, "10de:1463", 1, "vfio-pci", True, Health.OK),
            (
                card.id,
                card.subsystem_id,
                card.numa_node,
                card.driver,
                card.reported,
                card.health,
            ),
        )
        self.assertEqual(before.provider_id, card.provider_id)
        host = self.estate.get()
        self.assertEqual(
            ("1.0", "boot-1", self.estate.clock.now()),
            (host.agent_version, host.boot_id, host.heartbeat_at),
        )

    def test_an_unchanged_report_is_a_heartbeat_in_two_statements(self):
        self.report()
        before = self.estate.cards()
        self.estate.clock.advance(30)
        with database.counted(self.estate.store) as statements:
            answer = self.report()
        self.assertEqual(
            ["UPDATE", "SELECT"], [s.split()[0] for s in statements]
        )
        self.assertFalse(answer.changed)
        now = self.estate.clock.now()
        self.assertEqual(
            [dataclasses.replace(card, last_seen_at=now) for card in before],
            self.estate.cards(),
        )
        self.assertEqual(
            self.estate.clock.now(), self.estate.get().heartbeat_at
        )

    def test_a_card_is_seen_with_each_report_and_not_without(self):
        def seen(address):
            return self.estate.card(address).last_seen_at

        found = seen(CARD)
        first = self.estate.clock.now()
        self.report()
        self.assertEqual(first, seen(CARD))
        self.estate.clock.advance(30)
        self.report()
        second = self.estate.clock.now()
        self.assertGreater(second, found)
        self.assertEqual(second, seen(CARD))
        self.estate.clock.advance(30)
        self.estate.pass_()
        self.assertEqual(second, seen(CARD))
        self.report(*base.four()[1:])
        self.estate.clock.advance(30)
        self.report(*base.four()[1:])
        self.assertEqual(
            (second, self.estate.clock.now()), (seen(CARD), seen(OTHER))
        )

    def test_a_card_that_only_its_neighbour_changed_is_not_written(self):
        self.report()
        before = self.estate.card(OTHER)
        self.report(*base.four(driver="nvidia"))
        self.assertEqual(before, self.estate.card(OTHER))

    def test_the_agent_is_told_which_cards_to_leave_alone(self):
        self.tree.boot([OTHER])
        self.estate.pass_()
        self.assertEqual((OTHER,), self.report().claimed)
        self.assertEqual((OTHER,), self.report().claimed)

    def test_the_agent_is_told_when_the_next_report_is_due(self):
        often = dataclasses.replace(
            self.core, settings=broker.Settings(report_interval=7)
        )
        for _again in range(2):
            answer = report.take_report(
                often,
                "gpu-1",
                estate.AGENT,
                estate.body(*base.four()),
                self.estate.clock.now(),
            )
            self.assertEqual(7, answer.interval)

    def test_an_agent_can_not_tell_which_other_hosts_there_are(self):
        self.estate.tree("gpu-2")
        self.estate.host("gpu-2")
        said = {
            host: str(
                self.assertRaises(
                    errors.Forbidden,
                    report.take_report,
                    self.core,
                    host,
                    estate.AGENT,
                    estate.body(*base.four()),
                    self.estate.clock.now(),
                )
            )
            for host in ("gpu-2", "gpu-3")
        }
        self.assertEqual(said["gpu-2"], said["gpu-3"].replace("-3", "-2"))

    def test_only_the_bound_user_is_heard(self):
        body = estate.body(*base.four())
        now = self.estate.clock.now()
        for user in ("mallory", None, ""):
            self.assertRaises(
                errors.Forbidden,
                report.take_report,
                self.core,
                "gpu-1",
                user,
                body,
                now,
            )

    def test_addresses_that_are_none_or_twice_there_are_refused(self):
        for cards, field in (
            ([estate.card("rubbish")], "devices[0].pci_address"),
            ([estate.card(CARD), estate.card(CARD)], "devices[1].pci_address"),
            (
                [estate.card(CARD), estate.card("0000" + CARD.upper())],
                "devices[1].pci_address",
            ),
        ):
            raised = self.assertRaises(errors.Invalid, self.report, *cards)
            self.assertEqual(field, raised.fields["field"])
        raised = self.assertRaises(
            errors.Invalid, self.report, observations=[estate.xid("x", 79)]
        )
        self.assertEqual("observations[0].pci_address", raised.fields["field"])
        self.assertIsNone(self.estate.get().heartbeat_at)

    def test_conditions_are_the_hosts_and_no_verdict_on_a_card(self):
        self.report(
            conditions=[{"kind": "nvml_unavailable", "detail": "no library"}]
        )
        (condition,) = self.estate.get().conditions
        self.assertEqual("nvml_unavailable", condition.kind)
        self.assertEqual(Health.OK, self.estate.card(CARD).health)


class Identity(base.HostCase):
    def test_a_card_that_is_gone_is_vanished_and_fenced(self):
        self.report()
        device_id = self.estate.card(CARD).id
        self.report(*base.four()[1:])
        card = self.estate.card(CARD)
        self.assertEqual(
            (device_id, State.VANISHED, Health.BAD),
            (card.id, card.state, card.health),
        )
        self.assertEqual({"health"}, self.estate.reasons(CARD))
        self.assertIn(("host", "gpu-1"), self.estate.bell.rung)
        self.estate.pass_()
        self.assertEqual(1, self.tree.reserved(CARD))

    def test_a_card_that_could_not_be_read_is_not_gone(self):
        self.report()
        self.report(
            *base.four()[1:],
            conditions=[{"kind": "device_unreadable", "detail": CARD}],
        )
        card = self.estate.card(CARD)
        self.assertEqual(
            (State.PRESENT, Health.UNKNOWN, frozenset()),
            (card.state, card.health, card.reasons),
        )
        self.report()
        self.assertEqual(Health.OK, self.estate.card(CARD).health)

    def test_a_card_that_could_not_be_read_is_judged_by_the_kernels_log(self):
        self.report()
        self.report(
            *base.four()[1:],
            conditions=[{"kind": "device_unreadable", "detail": CARD}],
            observations=[estate.xid(CARD, 79)],
        )
        self.assertEqual(["xid_79", "unreadable"], self.rules(CARD))
        self.assertEqual({"health"}, self.estate.reasons(CARD))

    def test_a_card_that_only_nvml_talks_of_is_gone(self):
        self.report()
        self.report(
            *base.four()[1:],
            conditions=[
                {"kind": "nvml_stuck", "detail": f"asking {CARD} hangs"},
                {"kind": "nvml_timeout", "detail": CARD},
            ],
        )
        self.assertEqual(State.VANISHED, self.estate.card(CARD).state)
        self.assertEqual({"health"}, self.estate.reasons(CARD))

    def test_a_card_that_comes_back_stays_fenced_until_it_is_lifted(self):
        self.report()
        device_id = self.estate.card(CARD).id
        self.report(*base.four()[1:])
        self.report()
        card = self.estate.card(CARD)
        self.assertEqual(
            (device_id, State.PRESENT, Health.BAD),
            (card.id, card.state, card.health),
        )
        fence.unfence(self.core, card.id, Reason.HEALTH, "olga")
        card = self.estate.card(CARD)
        self.assertEqual((Health.UNKNOWN, ()), (card.health, card.fences))
        self.report(*base.four(driver="nvidia"))
        self.assertEqual(Health.OK, self.estate.card(CARD).health)

    def test_another_card_at_the_same_address_is_a_new_one(self):
        self.report(*base.four(serial="S1"))
        old = self.estate.card(CARD)
        self.estate.admission("manual")
        self.report(*base.four(serial="S2"))
        new = self.estate.card(CARD)
        self.assertNotEqual(old.id, new.id)
        self.assertEqual({"unadmitted"}, self.estate.reasons(CARD))
        (gone,) = [c for c in self.estate.cards() if c.state is State.VANISHED]
        self.assertEqual((old.id, "S1"), (gone.id, gone.serial))
        self.estate.pass_()
        self.assertEqual(
            self.tree.cards[CARD], self.estate.card(CARD).provider_id
        )
        self.assertEqual(old.slot, self.estate.card(CARD).slot)

    def test_two_cards_that_changed_places_keep_their_rows(self):
        first, second, *others = base.four()
        self.report(
            {**first, "serial": "S1"}, {**second, "serial": "S2"}, *others
        )
        one, two = self.estate.card(CARD).id, self.estate.card(OTHER).id
        self.report(
            {**first, "serial": "S2"}, {**second, "serial": "S1"}, *others
        )
        self.assertEqual(
            (two, one), (self.estate.card(CARD).id, self.estate.card(OTHER).id)
        )
        self.assertIn("device.moved", self.estate.events(one))

    def test_a_card_without_a_serial_now_is_still_itself(self):
        self.report(*base.four(serial="S1", uuid="GPU-1"))
        before = self.estate.card(CARD)
        self.report(*base.four())
        after = self.estate.card(CARD)
        self.assertEqual(
            (before.id, "S1", "GPU-1"), (after.id, after.serial, after.uuid)
        )

    def test_two_cards_with_one_serial_are_both_kept(self):
        first, second, *others = base.four()
        self.report(
            {**first, "serial": "S1"}, {**second, "serial": "S1"}, *others
        )
        self.assertEqual("S1", self.estate.card(CARD).serial)
        self.assertIsNone(self.estate.card(OTHER).serial)
        self.assertEqual(["duplicate_serial"], self.rules(OTHER))
        self.assertEqual(Health.SUSPECT, self.estate.card(OTHER).health)
        # It was a slip of the agent: the doubt does not stay.
        self.report()
        self.assertEqual(Health.OK, self.estate.card(OTHER).health)


class Moving(base.HostCase):
    def setUp(self):
        super().setUp()
        self.report(*base.four(serial="S1"))
        self.moved = self.estate.card(CARD)
        fence.fence(self.core, self.moved.id, Reason.OPERATOR, "", "olga")
        self.other = self.estate.tree("gpu-2")
        self.estate.host("gpu-2")

    def report_there(self):
        self.estate.report(estate.body(*base.four(serial="S1")), "gpu-2")

    def test_a_card_moves_with_its_row_its_fences_and_its_history(self):
        self.report(*base.four()[1:])
        self.report_there()
        card = self.estate.card(CARD, "gpu-2")
        self.assertEqual(self.moved.id, card.id)
        self.assertEqual(
            {"operator", "health"}, self.estate.reasons(CARD, "gpu-2")
        )
        self.assertIn("device.found", self.estate.events(card.id))
        self.assertIn("device.moved", self.estate.events(card.id))
        self.assertEqual(4, len(self.estate.cards("gpu-2")))
        self.assertEqual(3, len(self.estate.cards("gpu-1")))
        self.estate.pass_("gpu-2")
        self.assertEqual(1, self.other.reserved(CARD))

    def test_silence_alone_takes_no_card_away(self):
        """Its agent may be updated, its host boot, and the other one lie."""
        self.estate.clock.advance(self.core.settings.heartbeat_timeout + 1)
        self.report_there()
        self.assertEqual(self.moved.id, self.estate.card(CARD, "gpu-1").id)
        # Nova has seen that it is gone.
        self.tree.remove_card(CARD)
        self.estate.pass_("gpu-1")
        self.assertEqual(self.moved.id, self.doubt_is_gone().id)

    def test_one_serial_on_two_hosts_that_speak_is_two_cards(self):
        self.report_there()
        card = self.estate.card(CARD, "gpu-2")
        self.assertNotEqual(self.moved.id, card.id)
        self.assertIsNone(card.serial)
        self.assertEqual(Health.SUSPECT, card.health)
        self.assertEqual("S1", self.estate.card(CARD, "gpu-1").serial)

    def doubt_is_gone(self):
        # The same report as before.
        self.report_there()
        card = self.estate.card(CARD, "gpu-2")
        self.assertEqual("S1", card.serial)
        self.assertEqual(
            [],
            [r for r in card.health_reasons if r.rule == "duplicate_serial"],
        )
        return card

    def test_the_doubt_goes_when_the_other_host_tells_that_its_card_left(self):
        self.report_there()
        self.report(*base.four()[1:])
        self.assertEqual(self.moved.id, self.doubt_is_gone().id)
        with database.counted(self.estate.store) as statements:
            self.report_there()
        self.assertEqual(2, len(statements))

    def test_the_doubt_goes_with_the_other_host(self):
        self.report_there()
        self.tree.remove()
        self.estate.pass_()
        self.estate.clock.advance(self.core.settings.heartbeat_timeout + 1)
        enrol.remove_host(self.core, "gpu-1", lambda _generation: None)
        self.assertEqual(Health.OK, self.doubt_is_gone().health)
