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


"""Promise 2 for hosts and cards: ``kill -9`` anywhere, and the next pass or
the next report of the agent makes it whole.

The places to die at are those that each way is found to cross: a commit or a
call that is added to it later is died at as well.
"""

from __future__ import annotations

import contextlib

from gpubroker import errors
from gpubroker.domain import events
from gpubroker.domain.devices import State
from gpubroker.domain.fences import Reason
from gpubroker.services import discovery
from gpubroker.services import drain
from gpubroker.services import enrol
from gpubroker.services import fence
from gpubroker.services import reconcile
from gpubroker.services import report
from tests.fixtures import estate
from tests.fixtures import nova_tree
from tests.fixtures import tripwire
from tests.functional.reconcile import base

CARD, OTHER = estate.ADDRESSES[:2]
OLGA = events.Actor(user_id="olga", request_id="req-1")

#: More than any of these ways has.
_MANY = 60


class KillCase(base.EstateCase):
    """Every round has a host of its own, and two cards on it."""

    def setUp(self):
        super().setUp()
        self.trees = {}
        self.estate.admission("automatic")

    def each_place(self, prepare, act, check):
        """``act`` in a broker that dies at the first, second ... place until
        it lives through; after each death ``act`` comes again, as a loop, an
        agent or a person comes again, and then ``check``.

        :returns: the places.
        """
        for at in range(1, _MANY):
            name = f"gpu-{at}"
            self.trees[name] = self.estate.tree(name, addresses=(CARD, OTHER))
            prepare(name)
            wire = tripwire.Wire(at)
            try:
                act(wire.around(self.core), name)
            except tripwire.Killed:
                self.estate.clock.advance(15)
                act(self.core, name)
            self.estate.clock.advance(15)
            with self.told_of(f"{at}: killed after {wire.places}"):
                self.look_again(name)
                check(name)
            if len(wire.places) < at:
                return wire.places
        return self.fail("the way has no end")

    @contextlib.contextmanager
    def told_of(self, place):
        """Say in a failure where it was."""
        try:
            yield
        except Exception as error:
            raise AssertionError(f"{place}: {error}") from error

    def look_again(self, name):
        """The next pass, unless the host is gone."""
        with contextlib.suppress(errors.NotFound):
            self.estate.pass_(name)

    def managed(self, name):
        self.estate.host(name)
        self.told(self.core, name)

    def told(self, core, name, **more):
        """The agent reports, as it does again and again."""
        cards = more.pop("cards", None) or self.both()
        body = estate.body(*cards, **more)
        return report.take_report(
            core, name, estate.agent(name), body, self.estate.clock.now()
        )

    @staticmethod
    def both(**of_first):
        return [estate.card(CARD, **of_first), estate.card(OTHER)]

    def closed(self, name):
        tree = self.trees[name]
        return [tree.reserved(CARD), tree.reserved(OTHER)]

    def count(self, kind, name, address=CARD):
        device = self.estate.card(address, name)
        return self.estate.events(device.id).count(kind)


class Fences(KillCase):
    def test_fencing(self):
        def act(core, name):
            card = self.estate.card(CARD, name)
            fence.fence(core, card.id, Reason.OPERATOR, "noisy", "olga")
            reconcile.reconcile_host(core, name)

        def check(name):
            self.assertEqual([1, 0], self.closed(name))
            self.assertEqual({"operator"}, self.estate.reasons(CARD, name))
            self.assertEqual(1, self.count("device.fenced", name))

        places = self.each_place(self.managed, act, check)
        self.assertIn("ledger.set_reserved", places)

    def test_lifting_a_fence(self):
        def fenced(name):
            self.managed(name)
            card = self.estate.card(CARD, name)
            fence.fence(self.core, card.id, Reason.OPERATOR, "x", "olga")
            self.estate.pass_(name)

        def act(core, name):
            card = self.estate.card(CARD, name)
            # The second time is told that there is no such fence any more.
            with contextlib.suppress(errors.NotFound):
                fence.unfence(core, card.id, Reason.OPERATOR, "olga")
            reconcile.reconcile_host(core, name)

        def check(name):
            self.assertEqual([0, 0], self.closed(name))
            self.assertEqual(set(), self.estate.reasons(CARD, name))
            self.assertEqual(1, self.count("device.unfenced", name))

        places = self.each_place(fenced, act, check)
        self.assertIn("ledger.set_reserved", places)

    def test_draining(self):
        def act(core, name):
            drain.drain(core, name, "firmware", OLGA, _any)
            reconcile.reconcile_host(core, name)

        def check(name):
            self.assertEqual([1, 1], self.closed(name))
            drain.resume(self.core, name, OLGA, _any)
            self.estate.pass_(name)
            self.assertEqual([0, 0], self.closed(name))

        self.each_place(self.managed, act, check)

    def test_resuming(self):
        def drained(name):
            self.managed(name)
            drain.drain(self.core, name, "firmware", OLGA, _any)
            self.estate.pass_(name)

        def act(core, name):
            drain.resume(core, name, OLGA, _any)
            reconcile.reconcile_host(core, name)

        def check(name):
            self.assertEqual([0, 0], self.closed(name))

        self.each_place(drained, act, check)


class Reports(KillCase):
    def test_a_report_of_a_fatal_fault(self):
        """Told again by the agent, which had no answer, it counts once."""

        def act(core, name):
            self.told(core, name, observations=[estate.xid(CARD, 79)])
            reconcile.reconcile_host(core, name)

        def check(name):
            self.assertEqual({"health"}, self.estate.reasons(CARD, name))
            self.assertEqual([1, 0], self.closed(name))
            self.assertEqual(1, self.count("device.fenced", name))

        self.each_place(self.managed, act, check)

    def test_a_report_without_a_card(self):
        def act(core, name):
            self.told(core, name, cards=[estate.card(OTHER)])
            reconcile.reconcile_host(core, name)

        def check(name):
            self.assertEqual([1, 0], self.closed(name))
            self.told(self.core, name)
            self.estate.pass_(name)
            self.estate.pass_(name)
            self.assertIsNot(
                State.VANISHED, self.estate.card(CARD, name).state
            )

        self.each_place(self.managed, act, check)

    def test_a_first_report(self):
        def found(name):
            self.estate.host(name)

        def check(name):
            self.assertEqual(2, len(self.estate.cards(name)))
            for address in (CARD, OTHER):
                self.assertEqual(1, self.count("device.found", name, address))

        self.each_place(found, self.told, check)


class Hosts(KillCase):
    def test_finding_a_host(self):
        def act(core, name):
            discovery.discover(core)
            self.estate.change(name, agent_user_id=estate.agent(name))
            reconcile.reconcile_host(core, name)

        def check(name):
            self.assertEqual(2, len(self.estate.cards(name)))
            self.assertEqual(
                [0, 1], sorted(c.slot for c in self.estate.cards(name))
            )
            for address in (CARD, OTHER):
                self.assertEqual(1, self.count("device.found", name, address))

        self.each_place(_nothing, act, check)

    def test_a_card_that_is_put_in_later(self):
        third = nova_tree.ADDRESSES[2]

        def act(core, name):
            reconcile.reconcile_host(core, name)

        def put_in(name):
            self.managed(name)
            self.trees[name].add_card(third)

        def check(name):
            self.assertEqual(2, self.estate.card(third, name).slot)
            self.assertEqual(1, self.count("device.found", name, third))

        self.each_place(put_in, act, check)

    def test_a_card_that_placement_loses(self):
        def taken_out(name):
            self.managed(name)
            self.trees[name].remove_card(CARD)

        def act(core, name):
            reconcile.reconcile_host(core, name)

        def check(name):
            self.trees[name].add_card(CARD)
            self.estate.pass_(name)
            self.assertEqual(0, self.estate.card(CARD, name).slot)
            self.assertEqual(2, len(self.estate.cards(name)))

        self.each_place(taken_out, act, check)

    def test_removing_a_host(self):
        def gone(name):
            self.managed(name)
            self.trees[name].remove()
            del self.estate.nova.computes[name]
            del self.estate.nova.names[name]
            self.estate.pass_(name)
            self.estate.clock.advance(self.core.settings.heartbeat_timeout + 1)

        def act(core, name):
            # The second time is told that there is no such host any more.
            with contextlib.suppress(errors.NotFound):
                enrol.remove_host(core, name, _any)

        def check(name):
            self.assertRaises(errors.NotFound, self.estate.get, name)

        self.each_place(gone, act, check)


def _any(_generation):
    """Any generation will do."""


def _nothing(_name):
    """Nothing is known of it yet."""
