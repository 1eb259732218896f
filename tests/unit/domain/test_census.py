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

"""Each card is in one state, and the numbers add up."""

from __future__ import annotations

import datetime
import itertools

import testtools

from gpubroker.domain import census
from gpubroker.domain import devices
from gpubroker.domain import fences
from gpubroker.domain import leases

NOW = datetime.datetime(2026, 11, 27, tzinfo=datetime.UTC)
Use = census.Use
Reason = fences.Reason


def cards(**fields):
    """Two that are free, unless told."""
    given = {
        "pool": "default",
        "model": "a100",
        "state": devices.State.PRESENT,
        "health": devices.Health.OK,
        "claimed": False,
        "used": False,
        "placed": True,
        "reserved": False,
        "fences": frozenset(),
        "count": 2,
    }
    return census.Cards(**{**given, **fields})


def device(some):
    """A card with the same facts."""
    return devices.Device(
        id="d",
        host="h",
        pci_address="0000:01:00.0",
        model=some.model,
        state=some.state,
        health=some.health,
        slot=0 if some.placed else None,
        provider_id="p" if some.placed else None,
        total=1 if some.placed else None,
        reserved=int(some.reserved),
        claimed_by="n" if some.claimed else None,
        consumers=("c",) if some.used else (),
        fences=tuple(
            fences.Fence(device_id="d", reason=r) for r in some.fences
        ),
    )


class UseTest(testtools.TestCase):
    def test_what_each_fact_makes_of_a_card(self):
        for use, fields in (
            (Use.FREE, {}),
            (Use.FREE, {"health": devices.Health.SUSPECT}),
            (Use.FREE, {"health": devices.Health.UNKNOWN}),
            (Use.VANISHED, {"state": devices.State.VANISHED, "used": True}),
            (Use.LEASED, {"claimed": True, "used": True}),
            (Use.LEASED, {"claimed": True, "health": devices.Health.BAD}),
            (Use.OUTSIDE, {"used": True, "fences": {Reason.OPERATOR}}),
            (Use.SICK, {"health": devices.Health.BAD}),
            (Use.SICK, {"fences": {Reason.HEALTH, Reason.DRAIN}}),
            (Use.FENCED, {"fences": {Reason.LEASE}, "reserved": True}),
            (Use.FENCED, {"reserved": True}),
            (Use.UNKNOWN, {"model": None}),
            (Use.UNKNOWN, {"placed": False}),
        ):
            self.assertIs(use, cards(**fields).use, fields)

    def test_free_is_what_can_be_given_out(self):
        """The same as ``schedulable``, but for a card that was found BAD and
        has no fence yet."""
        checked = 0
        for state, health, model, reasons, *flags in itertools.product(
            devices.State,
            devices.Health,
            ("a100", None),
            [(), *((reason,) for reason in Reason)],
            *[(False, True)] * 4,
        ):
            facts = dict(
                zip(
                    ("claimed", "used", "placed", "reserved"),
                    flags,
                    strict=True,
                )
            )
            some = cards(
                state=state,
                health=health,
                model=model,
                fences=frozenset(reasons),
                **facts,
            )
            free = device(some).schedulable
            if health is not devices.Health.BAD:
                self.assertEqual(free, some.use is Use.FREE, some)
            checked += free
        self.assertEqual(len(devices.Health), checked)


class CountsTest(testtools.TestCase):
    def test_a_number_that_falls_to_nothing_says_so(self):
        found = census.by_use([cards(claimed=True)])
        self.assertEqual(2, found["default", "a100", "leased"])
        self.assertEqual({"default"}, {pool for pool, _model, _use in found})
        self.assertEqual(
            {use.value: 2 * (use is Use.LEASED) for use in Use},
            {use: n for (_pool, _model, use), n in found.items()},
        )

    def test_a_card_with_two_fences_counts_for_both(self):
        both = frozenset({Reason.DRAIN, Reason.OPERATOR})
        found = census.by_fence([cards(fences=both, count=3), cards()])
        self.assertEqual(3, found["default", "a100", "drain"])
        self.assertEqual(3, found["default", "a100", "operator"])
        self.assertEqual(0, found["default", "a100", "health"])

    def test_health_is_of_cards_that_are_there(self):
        bad = {"health": devices.Health.BAD}
        found = census.by_health(
            [
                cards(**bad, claimed=True),
                cards(**bad, state=devices.State.VANISHED),
            ]
        )
        self.assertEqual(2, found["default", "a100", "BAD"])

    def test_a_card_of_no_known_model(self):
        found = census.by_use([cards(model=None)])
        self.assertEqual(2, found["default", "", "unknown"])

    def test_queues(self):
        def waiting(pool, held=False, state=leases.State.QUEUED):
            return census.Open(
                pool=pool, state=state, held=held, count=3, gpus=8, oldest=NOW
            )

        found = census.Census(
            at=NOW,
            cards=(),
            leases=(
                waiting("one"),
                waiting("one", held=True),
                waiting("two", held=True),
                waiting("two", state=leases.State.ACTIVE),
            ),
            hosts=(),
            pools=tuple(
                census.Pool(name=name, owned=True)
                for name in ("one", "two", "three")
            ),
            workers=1,
        )
        queues = census.queues(found)
        self.assertEqual(found.leases[0], queues["one"])
        # They have no place, and nobody is behind them.
        self.assertIsNone(queues["two"])
        self.assertIsNone(queues["three"])
        states = census.by_state(found)
        self.assertEqual(6, states["one", "queued"])
        self.assertEqual(3, states["two", "active"])
        self.assertEqual(0, states["three", "starting"])
        self.assertNotIn(("one", "ended"), states)
