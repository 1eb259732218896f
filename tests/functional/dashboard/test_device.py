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

"""The page of one card, and its fences."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import testtools

from gpubroker.domain import devices
from gpubroker.domain import fences
from gpubroker.domain import health
from gpubroker.domain import hosts
from gpubroker.services import fence as fencing
from tests.functional.dashboard import base
from tests.functional.dashboard import operating


class DeviceTest(operating.TestCase):
    def test_the_page_has_all_that_is_known(self) -> None:
        lease = self.world.order("train")
        self.world.settle(lease.id, "active")
        (card, *_rest) = [c for c in self.cards() if c.claimed_by]
        self.change(
            card,
            serial="1320222040011",
            uuid="GPU-4711",
            driver="vfio-pci",
            health=devices.Health.SUSPECT,
            health_reasons=(
                devices.HealthReason(rule="xid_46", detail="XID 46: stopped"),
            ),
        )
        text = self.text(f"{card.id}/")
        for words in (
            "<strong>Leased</strong>",
            f"lease {lease.id} has it",
            f"/admin/gpu_leases/{lease.id}/",
            "1320222040011",
            "GPU-4711",
            "vfio-pci",
            "<dd>0, 1; 0, 1, 2, 3; 0, 1, 2, 3, 4, 5, 6, 7</dd>",
            "The kernel reported XID 46",
            "XID 46: stopped",
            '<th scope="row">Lease</th>',
            "by itself, when the lease is over",
            f"gpu-1_{card.pci_address.upper()}",
            "1 of 1",
            "Closed in Placement",
        ):
            self.assertIn(words, text)
        (server,) = self.cards()[card.slot or 0].consumers
        self.assertIn(f'href="/admin/instances/{server}/detail"', text)

    def test_its_history_is_the_newest_first_and_by_pages(self) -> None:
        card = self.cards()[0]
        for number in range(30):
            fencing.fence(
                self.world.core,
                card.id,
                fences.Reason.OPERATOR,
                f"time {number}.",
                "ada",
            )
        text = self.text(f"{card.id}/")
        told = re.findall(r"time (\d+)\.</div>", text)
        self.assertEqual([str(n) for n in range(29, 9, -1)], told)
        self.assertIn("by ada", text)
        self.assertIn("data-gpu-live-url", text)
        older = re.search(r"\?before=(\d+)", text)
        assert older is not None
        text = self.text(f"{card.id}/", before=older[1])
        told = re.findall(r"time (\d+)\.</div>", text)
        self.assertEqual([str(n) for n in range(9, -1, -1)], told)
        self.assertIn("To the newest", text)
        self.assertNotIn("data-gpu-live-url", text)

    def test_it_is_followed_until_placement_shows_the_fence(self) -> None:
        card = self.cards()[0]
        self.assertNotIn("data-gpu-moving", self.text(f"{card.id}/"))
        fencing.fence(
            self.world.core, card.id, fences.Reason.OPERATOR, "", "ada"
        )
        self.assertIn("data-gpu-moving", self.text(f"{card.id}/now/"))
        self.world.turn()
        self.assertNotIn("data-gpu-moving", self.text(f"{card.id}/now/"))

    def test_one_that_there_is_not_leads_back(self) -> None:
        url = f"{operating.INDEX}6b1f0a51-0000-4000-8000-000000000009/"
        answer = self.client.get(url)
        self.assertEqual(
            (302, operating.INDEX), (answer.status_code, answer["location"])
        )

    def test_times_are_in_the_zone_of_who_reads(self) -> None:
        card = self.cards()[0]
        self.hold(card, "operator")
        self.assertIn(" UTC", self.text(f"{card.id}/"))
        self.client.cookies["django_timezone"] = "America/Sao_Paulo"
        text = self.text(f"{card.id}/")
        self.assertIn(" -03", text)
        self.assertNotIn(" UTC", text)


class FenceTest(operating.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.card = self.cards()[0]

    def send(self, verb: str, **form: str) -> Any:
        return self.client.post(
            f"{operating.INDEX}{self.card.id}/{verb}/", form
        )

    def fences(self) -> dict[str, str]:
        return {f.reason.value: f.detail for f in self.cards()[0].fences}

    def test_what_comes_of_it_is_said_beforehand(self) -> None:
        text = self.text(f"{self.card.id}/fence/")
        self.assertIn("no lease gets it", text)
        self.assertIn("it is reserved in Placement", text)
        self.assertIn("nobody loses it", text)
        lease = self.world.order("train")
        self.world.settle(lease.id, "active")
        text = self.text(f"{self.card.id}/fence/")
        self.assertIn("who uses it now keeps it to the end", text)
        self.assertIn(lease.id, text)

    def test_a_card_is_fenced_with_words(self) -> None:
        answer = self.send("fence", detail=" fan is loud ")
        self.assertEqual(
            (302, f"{operating.INDEX}{self.card.id}/"),
            (answer.status_code, answer["location"]),
        )
        self.assertEqual({"operator": "fan is loud"}, self.fences())
        text = self.text(f"{self.card.id}/fence/")
        self.assertIn("It has this fence already", text)
        self.assertIn("fan is loud", text)

    def test_who_did_it_is_told_by_name(self) -> None:
        """A part of the service has no name but its own."""
        user = "c" * 32
        self.hold(self.card, "operator", detail="fan is loud", by=user)
        self.hold(self.card, "drain", by="worker")
        text = self.text(f"{self.card.id}/")
        self.assertIn(f"<td>{user.upper()}</td>", text)
        self.assertIn("<td>worker</td>", text)

    def test_without_words_it_is_not(self) -> None:
        for words in ("", "x" * 1025):
            answer = self.send("fence", detail=words)
            self.assertIn(
                'class="help-block gpu-error"', answer.content.decode()
            )
        self.assertEqual({}, self.fences())

    def test_each_fence_says_what_it_means_to_lift_it(self) -> None:
        self.hold(self.card, "unadmitted")
        self.hold(self.card, "health", detail="XID 79")
        self.hold(self.card, "drain")
        text = self.text(f"{self.card.id}/unfence/")
        self.assertEqual(
            ["unadmitted", "health"],
            re.findall(r'type="radio" name="reason" value="(\w+)"', text),
        )
        self.assertIn("You judge the card fit for use.", text)
        self.assertIn("You admit the card", text)
        self.assertIn(
            "stays closed for other reasons: Drain of its host, Health.", text
        )

    def test_the_only_fence_is_chosen_already(self) -> None:
        self.hold(self.card, "operator")
        text = self.text(f"{self.card.id}/unfence/")
        self.assertIn(" checked>", text)
        self.assertIn("Nothing else keeps it back", text)
        self.send("unfence", reason="operator", detail="fan <replaced>")
        self.assertEqual({}, self.fences())
        self.assertIn(
            "The fence operator was lifted: fan <replaced>",
            self.text(f"{self.card.id}/"),
        )

    def test_what_made_a_card_suspect_is_lifted_too(self) -> None:
        self.change(
            self.card,
            health=devices.Health.SUSPECT,
            health_reasons=(devices.HealthReason(rule="aer"),),
        )
        self.assertEqual(
            302, self.send("unfence", reason="health").status_code
        )
        self.assertEqual(devices.Health.UNKNOWN, self.cards()[0].health)

    def test_one_that_is_gone_meanwhile_is_told_beside_the_choice(
        self,
    ) -> None:
        self.hold(self.card, "operator")
        answer = self.send("unfence", reason="health")
        self.assertEqual(200, answer.status_code)
        self.assertIn("health is not one of", answer.content.decode())

    def test_what_can_not_be_lifted_is_disabled_and_says_why(self) -> None:
        self.hold(self.card, "drain")
        text = self.text(f"{self.card.id}/")
        self.assertIn("</span> Lift a fence</a>", text)
        self.assertIn(
            '<span class="gpu-why" id="gpu-why-unlock">'
            "it has no fence that is lifted by hand</span>",
            text,
        )

    def test_what_the_service_refuses_is_told_in_its_words(self) -> None:
        """Horizon goes by the default rules, the service by its own."""
        rules = pathlib.Path(self.api.conf.oslo_policy.policy_file)
        rules.write_text('"gpubroker:device:fence": "!"')
        self.api.rebuild()
        answer = self.send("fence", detail="fan is loud")
        self.assertEqual(200, answer.status_code)
        self.assertIn("alert-danger", answer.content.decode())
        self.assertEqual({}, self.fences())


class WordsTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        base.horizon()

    def test_every_fence_has_words(self) -> None:
        from gpubroker.dashboard.content.admin.fleet import rules
        from gpubroker.dashboard.words import devices as words

        self.assertEqual(set(fences.Reason), set(words.FENCES))
        for reason in fences.Reason:
            self.assertNotEqual("", words.lifted(reason))
        self.assertEqual(fences.BY_OPERATOR, set(rules.BY_HAND))
        for reason in rules.BY_HAND:
            self.assertNotEqual("", words.lifting(reason))

    def test_every_health_and_what_is_behind_it_has_words(self) -> None:
        from gpubroker.dashboard.words import devices as words

        self.assertEqual(set(devices.Health), set(words.HEALTH))
        for rule in (*health.BAD_RULES, *health.FLEETING):
            self.assertNotEqual(rule, words.rule(rule))

    def test_every_state_of_a_host_has_words(self) -> None:
        from gpubroker.dashboard.words import hosts as words

        self.assertEqual(set(hosts.ComputeState), set(words.STATES))
        self.assertEqual(set(hosts.Mode), set(words.MODES))
