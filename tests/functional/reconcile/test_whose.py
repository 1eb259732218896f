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

"""``reserved``: what we mean to write, what stands there, and who did it."""

from __future__ import annotations

import dataclasses

from gpubroker import errors
from gpubroker.domain import hosts
from gpubroker.domain.fences import Reason
from gpubroker.services import discovery
from gpubroker.services import enforce
from gpubroker.services import enrol
from gpubroker.services import fence
from gpubroker.services import reconcile
from tests.fixtures import estate
from tests.fixtures import tripwire
from tests.functional.reconcile import base

CARD, OTHER = estate.ADDRESSES[:2]


class Refusing:
    """A ledger that takes no ``reserved``, and is well otherwise.

    :param only: the one provider of which that is so; all by default.
    """

    def __init__(self, real, error=None, only=None):
        self._real = real
        self._error = error or errors.Unavailable("Placement: 503.")
        self._only = only

    def __getattr__(self, name):
        return getattr(self._real, name)

    def set_reserved(self, provider_id, *args, **more):
        if self._only in (None, provider_id):
            raise self._error
        return self._real.set_reserved(provider_id, *args, **more)


class Meanwhile:
    """A ledger during whose first reading of a tree something happens."""

    def __init__(self, real, happens):
        self._real = real
        self._happens = happens

    def __getattr__(self, name):
        return getattr(self._real, name)

    def tree(self, root_id):
        found = self._real.tree(root_id)
        happens, self._happens = self._happens, lambda: None
        happens()
        return found


class Case(base.EstateCase):
    def setUp(self):
        super().setUp()
        self.tree = self.estate.tree()

    def fence(self, address=CARD):
        fence.fence(
            self.core,
            self.estate.card(address).id,
            Reason.OPERATOR,
            "noisy fan",
            "olga",
        )

    def unfence(self, reason=Reason.OPERATOR):
        fence.unfence(self.core, self.estate.card(CARD).id, reason, "olga")


class Lost(Case):
    """A write that does not arrive is written again."""

    def setUp(self):
        super().setUp()
        self.estate.host()
        self.fence()

    def test_a_first_write_that_fails(self):
        refusing = dataclasses.replace(
            self.core, ledger=Refusing(self.core.ledger)
        )
        self.assertEqual(5.0, reconcile.reconcile_host(refusing, "gpu-1"))
        self.assertEqual(0, self.tree.reserved(CARD))
        self.estate.pass_()
        self.assertEqual(1, self.tree.reserved(CARD))
        self.assertEqual({"operator"}, self.estate.reasons(CARD))

    def test_a_card_whose_write_is_refused_keeps_no_other_open(self):
        """Whatever the words of Placement, or of something before it."""
        self.fence(OTHER)
        first = self.estate.card(CARD).provider_id
        for kind in (errors.Conflict, errors.ConcurrentUpdate):
            ledger = Refusing(self.core.ledger, kind("Placement: no."), first)
            refusing = dataclasses.replace(self.core, ledger=ledger)
            self.assertEqual(5.0, enforce.fences(refusing, "gpu-1"))
            self.assertEqual(
                (0, 1), (self.tree.reserved(CARD), self.tree.reserved(OTHER))
            )
        self.estate.pass_()
        self.assertEqual(1, self.tree.reserved(CARD))

    def test_killed_anywhere(self):
        counting = tripwire.Wire()
        enforce.fences(counting.around(self.core), "gpu-1")
        self.assertEqual(
            ["commit", "ledger.set_reserved", "commit"], counting.places
        )
        for at in range(1, 4):
            self.unfence()
            self.estate.pass_()
            self.assertEqual(0, self.tree.reserved(CARD))
            self.fence()
            mortal = tripwire.Wire(at).around(self.core)
            self.assertRaises(tripwire.Killed, enforce.fences, mortal, "gpu-1")
            self.estate.pass_()
            self.assertEqual(1, self.tree.reserved(CARD))
            self.assertEqual({"operator"}, self.estate.reasons(CARD))

    def test_the_alarm_has_a_card_read_again_that_is_noted_as_closed(self):
        self.estate.pass_()
        self.tree.set_reserved(CARD, 0)
        with self.estate.store.write() as tx:
            # As a row would be that believes in a write that was lost.
            tx.devices.mirror(
                dataclasses.replace(
                    self.estate.card(CARD),
                    provider_generation=self.tree.generation(CARD),
                )
            )
        self.estate.pass_()
        self.assertEqual(0, self.tree.reserved(CARD))
        discovery.discover(self.core)
        self.estate.pass_()
        self.assertEqual(1, self.tree.reserved(CARD))


class Theirs(Case):
    """What we have not noted is somebody else's, and theirs to lift."""

    def test_on_a_host_that_is_only_observed(self):
        self.estate.host(mode="observe", admission="manual")
        self.tree.set_reserved(CARD, 1)
        self.estate.pass_()
        self.assertEqual({"external", "unadmitted"}, self.reasons())
        self.unfence(Reason.UNADMITTED)
        self.estate.change("gpu-1", mode=hosts.Mode.MANAGE)
        self.estate.pass_()
        self.assertEqual(1, self.tree.reserved(CARD))
        self.assertEqual({"external"}, self.reasons())

    def test_quicker_than_our_own_fence(self):
        self.estate.host()
        self.fence()
        self.tree.set_reserved(CARD, 1)
        self.estate.pass_()
        self.unfence()
        self.estate.pass_()
        self.assertEqual(1, self.tree.reserved(CARD))

    def test_not_what_another_worker_closes_while_we_look(self):
        self.estate.host()
        self.fence()
        looking = dataclasses.replace(
            self.core,
            ledger=Meanwhile(
                self.core.ledger,
                lambda: enforce.fences(self.core, "gpu-1"),
            ),
        )
        reconcile.reconcile_host(looking, "gpu-1")
        self.estate.pass_()
        self.assertEqual(1, self.tree.reserved(CARD))
        self.assertEqual({"operator"}, self.reasons())

    def reasons(self):
        return self.estate.reasons(CARD)


class Leaving(Case):
    """What only we keep closed is not left behind."""

    def leave(self):
        enrol.change_host(
            self.core, "gpu-1", {"mode": "observe"}, lambda _generation: None
        )

    def test_not_while_we_keep_a_card_closed(self):
        self.estate.host()
        self.fence()
        self.estate.pass_()
        refused = self.assertRaises(errors.InUse, self.leave)
        self.assertIn(f"{CARD} (operator)", str(refused))
        self.unfence()
        # Lifted, and open only after the next pass.
        self.assertRaises(errors.InUse, self.leave)
        self.estate.pass_()
        self.leave()
        self.assertEqual(hosts.Mode.OBSERVE, self.estate.get().mode)

    def test_what_somebody_else_closed_is_theirs(self):
        self.estate.host()
        self.tree.set_reserved(CARD, 1)
        self.estate.pass_()
        self.leave()
        self.assertEqual(1, self.tree.reserved(CARD))
