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

"""What belongs to another broker on the same cloud is none of ours."""

from __future__ import annotations

from gpubroker.audit import snapshot
from tests.unit.audit import base
from tests.unit.audit import builders

THEIRS = builders.start("0d", of=builders.OTHER)
SHAPE = builders.shape(THEIRS)


class Others(base.AuditTest):
    """A lease of theirs runs on host g2, which this broker only observes."""

    def setUp(self):
        super().setUp()
        small = self.small
        small.servers["theirs"] = small.server(
            "theirs", THEIRS, host="g2", tags=("gpubroker:0d0d:1",)
        )
        small.tickets["theirs"] = small.ticket(THEIRS, "theirs", host="g2")
        small.change("cards", "g2-1", holders={"theirs": 1}, reserved=1)
        small.change(
            "devices",
            "g2-1",
            consumers=("theirs",),
            fences=(snapshot.Fence(reason="external"),),
        )
        small.traces += [
            f"gpubroker_{builders.INSTALLATION}_g1",
            f"gpubroker_{builders.OTHER}_g2",
            f"CUSTOM_GPUBROKERMARK_{builders.OTHER.upper()}_12",
        ]

    def told(self):
        """All but that the card is closed by somebody else, which it is."""
        found = self.small.look()
        self.assertEqual({base.NOTE}, {one.severity for one in found}, found)
        self.assertEqual([""] * len(found), [one.advice for one in found])
        return {
            one.code: one.sentence
            for one in found
            if one.code != "fence-external"
        }

    def test_a_lease_of_theirs_that_runs(self):
        (told,) = self.told().items()
        self.assertEqual("installation-other", told[0])
        for words in ("0badcafe", "1 server", "1 ticket", "1 card"):
            self.assertIn(words, told[1])

    def test_its_card_is_not_used_around_anybody(self):
        (found,) = [
            one
            for one in self.small.everything()
            if one.code == "cards-used-around"
        ]
        self.assertIn("2 cards", found.sentence)

    def test_a_start_of_theirs(self):
        self.small.flavors["theirs"] = self.small.shape(THEIRS, slots=(1,))
        self.small.keypairs["theirs"] = snapshot.KeyPair(name=SHAPE)
        (told,) = self.told().values()
        self.assertIn("1 private flavor", told)
        self.assertIn("1 key pair", told)

    def test_two_servers_of_theirs_for_one_node(self):
        self.small.servers["two"] = self.small.server("two", THEIRS)
        (told,) = self.told().values()
        self.assertIn("2 servers", told)

    def test_one_that_looks_like_a_start_of_a_lease_of_ours(self):
        """It is on the same host with the same slots."""
        go = builders.start("0b", of=builders.OTHER)
        self.small.tickets["go"] = self.small.ticket(go)
        self.small.flavors["go"] = self.small.shape(go, slots=(2,))
        (told,) = self.told().values()
        self.assertIn("2 tickets", told)

    def test_trusts_of_a_user_that_both_use(self):
        """Whose a trust is nobody can see."""
        for name, user in (("theirs", "u2"), ("also", "u1")):
            self.small.trusts[name] = snapshot.Trust(
                id=f"trust-{name}", user_id=user, project_id="p1"
            )
        told = self.told()
        self.assertEqual({"installation-other", "trusts-other"}, set(told))
        self.assertIn("2 trusts", told["trusts-other"])
        self.assertIn("0badcafe", told["trusts-other"])

    def test_what_an_installation_left_that_is_no_more(self):
        for kind in ("servers", "tickets"):
            del getattr(self.small, kind)["theirs"]
        self.small.change("cards", "g2-1", holders={}, reserved=0)
        self.small.change("devices", "g2-1", consumers=(), fences=())
        (told,) = self.told().values()
        self.assertIn("1 provider", told)

    def test_ours_is_judged_all_the_same(self):
        old = builders.start("0c", 3)
        self.small.tickets["old"] = self.small.ticket(old)
        self.small.servers["old"] = self.small.server("old", old)
        self.assertEqual(
            [
                "fence-external",
                "installation-other",
                "server-left",
                "ticket-left",
            ],
            self.codes(),
        )


class Nobodys(base.AuditTest):
    def test_names_without_an_installation(self):
        name = "gpubroker-test-1"
        self.small.flavors["x"] = snapshot.Flavor(
            id="x", name=name, public=False
        )
        self.small.servers["x"] = self.small.server("x", flavor=name)
        self.small.tickets["x"] = snapshot.Ticket(
            name="CUSTOM_GPUBROKER_TEST_1"
        )
        self.small.keypairs["x"] = snapshot.KeyPair(name=name)
        self.finds(
            "name-of-nobody",
            name,
            "CUSTOM_GPUBROKER_TEST_1",
            severity=base.NOTE,
        )

    def test_a_healthy_cloud_of_one_installation(self):
        self.small.traces += [
            f"gpubroker_{builders.INSTALLATION}_g1",
            f"CUSTOM_GPUBROKERMARK_{builders.INSTALLATION.upper()}_12",
        ]
        self.finds_nothing()
