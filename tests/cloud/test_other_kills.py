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

"""``kill -9`` at the requests that a plain life of a lease does not send.

Stories of other kinds are told once to learn what they ask; then each of
their own requests is killed at. ``GPUBROKER_TEST_LONG=1`` takes all stories.
"""

from __future__ import annotations

import contextlib
import functools

from keystoneauth1 import exceptions

from gpubroker.services import behalf
from sandbox import simulated_hosts
from sandbox.faults import rules
from tests.cloud import people
from tests.cloud import rounds
from tests.cloud import test_kills

#: Story -> seconds that it may take longer than what a kill costs any life
#: (``test_kills``), and why.
STORIES = {
    # A message, or the next look at the host (reconcile_interval, 10 s),
    # closes the card, and opens it.
    "fenced": 0.0,
    # The agent reports every 10 s, and reads what it had not reported again.
    "sick": 0.0,
    # Nova makes an image, takes the server off its host and builds it anew;
    # it is asked for that twice, and the broker looks every 5 s
    # (check_interval).
    "shelved": 60.0,
    # The server is there before, and the lease is active at once.
    "adopted": 0.0,
    # A queue, a start and an end, as in a plain life.
    "service": 0.0,
    # A token that died with its process is waited for as long as it may be
    # used.
    "caller": behalf.AT_ONCE,
}
#: Those of cards, in which no lease has a part: killed at every write.
CARDS = ("fenced", "sick")
CARD_HOST = "gpu-l40s-1"


class OtherKills(rounds.RoundsTest, people.PeopleTest):
    robots = 0

    def test_a_kill_at_any_request_of_another_story(self):
        plain = set(self.kinds_of_a_life())
        chosen = rounds.PLACE.split()[0] if rounds.PLACE else ""
        for story in [chosen] if chosen else rounds.some([*STORIES], 1):
            tell = functools.partial(self.tell, story)
            kinds = self.kinds_of(tell)
            own = [kind for kind in kinds if kind not in plain]
            if story in CARDS:
                own += [k for k in kinds if k in plain and rounds.writes(k)]
            places = [
                (kind, kill) for kind in own for kill in test_kills.KILLS
            ]
            named = functools.partial(self.named, story)
            for kind, kill in rounds.some(places, min(1, len(places)), named):
                with self.told(named((kind, kill))):
                    rule = rules.Rule(kill, kind=kind, times=1)
                    within = rounds.AFTER_A_KILL + STORIES[story]
                    self.one_round(rule, life=tell, within=within)

    @staticmethod
    def named(story, place):
        return f"{story} {test_kills.named(place)}"

    def tell(self, story, name):
        getattr(self, f"_{story}")(name)

    # -- the stories -------------------------------------------------------

    def _fenced(self, name):
        """A card is taken out by an operator, and given back."""
        card = self.cards(CARD_HOST)[0]
        self.asked(lambda: self.operator.fence_device(card.id, name))
        self.eventually("closed", lambda: self.reserved(card) == 1, 60)
        self.asked(lambda: self.operator.unfence_device(card.id))
        self.eventually("open", lambda: self.reserved(card) == 0, 60)

    def _sick(self, name):
        """The host's agent reports a card that is broken."""
        card = self.cards(CARD_HOST)[1]
        host = simulated_hosts.of(self.cloud.layout, CARD_HOST)
        host.xid(card.pci_address, 79)
        self.eventually("closed", lambda: self.reserved(card) == 1, 60)
        self.asked(
            lambda: self.operator.unfence_device(card.id, reason="health")
        )
        self.eventually("open", lambda: self.reserved(card) == 0, 60)

    def _shelved(self, name):
        lease = self.ordered(name)
        self.until(lease, "active")
        server = self.gpus.get_lease(lease).servers[0]["id"]
        self.member.compute.shelve_server(server)

        def asked_until_it_is_back():
            found = self.admin.compute.get_server(server)
            if found.status == "SHELVED_OFFLOADED" and not found.task_state:
                with contextlib.suppress(exceptions.Conflict):
                    self.member.compute.unshelve_server(server)
            return found.status == "ACTIVE" and not found.task_state

        self.eventually("shelved", lambda: "shelved" in self.why(lease))
        self.eventually("back", asked_until_it_is_back, 180)
        self.eventually("well again", lambda: not self.why(lease), 180)
        self.ended(lease)

    def _adopted(self, name):
        server = self.old_server("vm.gpu.a100.2", name)
        self.asked(lambda: self.operator.adopt_lease(server))
        lease = next(
            lease.id
            for lease in self.persist(lambda: [*self.gpus.leases(name=name)])
            if not lease.is_final
        )
        self.until(lease, "active")
        self.ended(lease)

    def _service(self, name):
        """In a queue, with a token that can hand on no rights."""
        self._robot(name, waits=True)

    def _caller(self, name):
        """At once, with the token itself; a killed process has lost it."""
        self._robot(name, waits=False)

    # -- what they are made of ---------------------------------------------

    def asked(self, call):
        """By a person who looks again when the answer does not come."""
        try:
            self.persist(call)
        except exceptions.Conflict:
            # The first time was heard.
            pass

    def why(self, lease):
        return self.persist(lambda: self.gpus.get_lease(lease)).reason

    def _robot(self, name, waits):
        self.robots += 1
        who = self.person(f"robot-{self.robots}")
        robot = self.robot_of(who)
        self.gpus = robot.gpus
        if not waits:
            lease = self.ordered(name, lambda: self.order_as(robot, name))
            self.over_or_active(lease)
            return
        robot.connection.compute.create_keypair(
            name="robot", public_key=people.PUBLIC_KEY
        )
        ours = self.keystone.find_user("gpubroker", ignore_missing=False)
        self.keystone.assign_project_role_to_user(
            who.project, ours, self.member_role
        )
        self.close_all()
        work = {"key_name": "robot"}
        lease = self.ordered(
            name, lambda: self.order_as(robot, name, workload=work)
        )
        self.open_all()
        self.until(lease, "active")
        self.ended(lease)

    def over_or_active(self, lease):
        """A token that was killed with its process is lost with it."""

        def found():
            now = self.persist(lambda: self.gpus.get_lease(lease))
            if now.state == "failed":
                self.assertIn("Identity lost", now.reason)
            return now if now.state in ("active", "failed") else None

        if self.eventually("active or lost", found, 200).state == "active":
            self.ended(lease)
