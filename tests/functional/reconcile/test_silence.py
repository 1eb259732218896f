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


"""What an agent said holds as long as it speaks."""

from __future__ import annotations

import testtools

from gpubroker import errors
from gpubroker.domain.devices import Health
from gpubroker.domain.fences import Reason
from gpubroker.services import fence
from gpubroker.services.paging import Page
from tests.fixtures import database
from tests.fixtures import estate

CARD, OTHER, THIRD, _FOURTH = estate.ADDRESSES


def body(**more):
    return estate.body(*(estate.card(a) for a in estate.ADDRESSES), **more)


class Case(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.estate = self.useFixture(estate.Estate())
        self.tree = self.estate.tree()
        self.estate.host()

    def silence(self, seconds=121):
        self.estate.clock.advance(seconds)
        self.estate.pass_()

    def health(self, address=CARD):
        return self.estate.card(address).health

    def rules(self, address=CARD):
        return [
            reason.rule for reason in self.estate.card(address).health_reasons
        ]

    def told(self, **filters):
        with self.estate.store.read() as tx:
            page = tx.events.page(Page(filters=filters))
        return [event.message for event in page.items]

    def of_host(self):
        kinds = ("host.agent_silent", "host.agent_back")
        return self.told(host="gpu-1", kind=kinds)

    def of_health(self, address=CARD):
        device_id = self.estate.card(address).id
        return self.told(device_id=device_id, kind="device.health")


class Silence(Case):
    def test_cards_that_were_well_are_unknown_and_say_since_when(self):
        self.estate.report(body())
        heard = self.estate.clock.now()
        self.silence()
        self.assertEqual(Health.UNKNOWN, self.health())
        (reason,) = self.estate.card(CARD).health_reasons
        self.assertEqual("agent_silent", reason.rule)
        self.assertIn(f"{heard:%Y-%m-%d %H:%M:%S} UTC", reason.detail)

    def test_not_before_its_time(self):
        self.estate.report(body())
        self.silence(120)
        self.assertEqual((Health.OK, []), (self.health(), self.of_host()))

    def test_it_is_told_once(self):
        self.estate.report(body())
        self.silence()
        with database.counted(self.estate.store) as statements:
            for _pass in range(3):
                self.silence(30)
        writes = [s for s in statements if not s.startswith("SELECT")]
        self.assertEqual([], writes)
        self.assertEqual(1, len(self.of_host()))
        self.assertEqual(
            [
                "Health went from UNKNOWN to OK.",
                "Health went from OK to UNKNOWN.",
            ],
            self.of_health(),
        )

    def test_faults_stay_as_they_are(self):
        self.estate.report(
            body(
                observations=[
                    estate.xid(CARD, 79, 1),
                    estate.xid(OTHER, 119, 2),
                ]
            )
        )
        self.estate.pass_()
        before = [self.estate.card(address) for address in (CARD, OTHER)]
        self.silence()
        after = [self.estate.card(address) for address in (CARD, OTHER)]
        self.assertEqual(before, after)
        self.assertEqual(
            [Health.BAD, Health.SUSPECT], [card.health for card in after]
        )
        self.assertEqual(Health.UNKNOWN, self.health(THIRD))

    def test_what_was_not_known_is_not_known_for_two_reasons(self):
        first = estate.card(CARD, on_bus=None)
        rest = [estate.card(address) for address in estate.ADDRESSES[1:]]
        self.estate.report(estate.body(first, *rest))
        self.silence()
        self.assertEqual(["agent_silent", "unreadable"], self.rules())
        self.assertEqual([], self.of_health()[1:])

    def test_nothing_is_fenced_and_nothing_in_use_is_touched(self):
        self.estate.report(body())
        server = self.tree.boot([CARD])
        self.estate.pass_()
        generation = self.tree.generation(CARD)
        self.silence()
        self.silence()
        self.assertEqual(Health.UNKNOWN, self.health())
        self.assertEqual((server,), self.estate.card(CARD).consumers)
        self.assertEqual(generation, self.tree.generation(CARD))
        for address in estate.ADDRESSES:
            self.assertEqual(set(), self.estate.reasons(address))
            self.assertEqual(0, self.tree.reserved(address))

    def test_a_card_that_no_agent_ever_judged_is_not_concerned(self):
        before = self.estate.cards()
        self.silence()
        self.assertEqual((before, []), (self.estate.cards(), self.of_host()))

    def test_it_is_noted_while_placement_is_down(self):
        self.estate.report(body())
        self.estate.placement.api.endpoint_override = "http://127.0.0.1:1"
        self.assertRaises(errors.Unavailable, self.silence)
        self.assertEqual(Health.UNKNOWN, self.health())

    def test_an_operator_may_lift_a_fence_meanwhile(self):
        self.estate.report(body(observations=[estate.xid(CARD, 79)]))
        self.silence()
        card = self.estate.card(CARD)
        fence.unfence(self.estate.core, card.id, Reason.HEALTH, "olga")
        self.silence()
        self.assertEqual((Health.UNKNOWN, ["lifted"]), self.state())

    def state(self):
        return self.health(), self.rules()


class Speech(Case):
    """The same report as before the silence counts again."""

    def setUp(self):
        super().setUp()
        self.estate.report(body())
        self.silence()

    def test_the_cards_are_as_the_report_says(self):
        self.assertTrue(self.estate.report(body()).changed)
        self.assertEqual((Health.OK, []), (self.health(), self.rules()))
        self.assertEqual(
            "Health went from UNKNOWN to OK.", self.of_health()[-1]
        )
        self.assertEqual("The agent is back.", self.of_host()[-1])

    def test_then_it_is_a_heartbeat_in_two_statements_again(self):
        self.estate.report(body())
        self.estate.clock.advance(30)
        with database.counted(self.estate.store) as statements:
            answer = self.estate.report(body())
        self.assertFalse(answer.changed)
        self.assertEqual(
            ["UPDATE", "SELECT"], [s.split()[0] for s in statements]
        )
        self.assertEqual(2, len(self.of_host()))

    def test_a_second_silence_is_told_again(self):
        self.estate.report(body())
        self.silence()
        self.assertEqual(Health.UNKNOWN, self.health())
        self.assertEqual(3, len(self.of_host()))
