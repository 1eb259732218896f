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

import dataclasses
import gc

import hypothesis
import testtools
from hypothesis import strategies as st

from gpubroker.domain import offers
from gpubroker.domain import planning
from gpubroker.domain import shapes
from gpubroker.domain.fences import Reason
from gpubroker.domain.matching import HostState
from tests.fixtures import plain_offers
from tests.unit.domain import builders
from tests.unit.domain import test_holding
from tests.unit.domain import test_planning

MODELS = (
    (builders.A100,),
    (test_holding.L40S,),
    (test_holding.L40S, builders.A100),
)
NEEDS = tuple(
    builders.need(gpus, topology, vcpus=vcpus, traits=traits)
    for gpus, topology, vcpus, traits in (
        (1, "prefer", 8, frozenset()),
        (2, "require", 40, frozenset()),
        (4, "any", 8, frozenset("X")),
    )
)


class Shapes(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.shapes = shapes.Shapes()

    def test_hosts_of_other_names_are_alike(self):
        one = builders.host("h1")
        self.assertIs(self.shapes.of(one), self.shapes.of(builders.host("h2")))

    def test_what_an_offer_looks_at_tells_them_apart(self):
        host = builders.host()
        card = host.cards[0]
        others = [
            dataclasses.replace(host, **{name: value})
            for name, value in {
                "state": HostState.DOWN,
                "vcpus": 1,
                "ram_mib": 1,
                "disk_gib": 1,
                "vcpus_total": 1,
                "ram_mib_total": 1,
                "disk_gib_total": 1,
                "zone": "az9",
                "traits": frozenset("X"),
            }.items()
        ] + [
            dataclasses.replace(
                host,
                cards=(
                    dataclasses.replace(card, **{name: value}),
                    *host.cards[1:],
                ),
            )
            for name, value in {
                "model": test_holding.L40S,
                "slot": 9,
                "numa_node": None,
                "availability": "fenced",
                "why": Reason.HEALTH.value,
            }.items()
        ]
        found = {self.shapes.of(one) for one in (host, *others)}
        self.assertEqual(1 + len(others), len(found))

    def test_each_question_is_worked_out_once(self):
        asked = []
        shape = self.shapes.of(builders.host())
        for question in ("a", "b", "a"):
            answer = shape.answer(
                shapes.Question(question),
                lambda host: asked.append(host) or len(asked),
            )
        self.assertEqual((1, 2), (answer, len(asked)))

    def test_no_number_of_questions_fills_the_memory(self):
        shape = self.shapes.of(builders.host())
        for question in range(10_000):
            answer = shape.answer(
                shapes.Question(question), lambda _host, it=question: it
            )
            self.assertEqual(question, answer)
        self.assertLessEqual(len(shape._answers), shapes._MOST)

    def test_a_shape_that_no_host_has_is_forgotten(self):
        kept = self.shapes.of(builders.host())
        self.shapes.of(builders.host(used={1}))
        gc.collect()
        self.assertEqual([kept], list(self.shapes._known.values()))


class Equality(testtools.TestCase):
    """What is worked out by shape is what the long way says."""

    @hypothesis.given(st.lists(test_holding.pools(), min_size=1, max_size=3))
    @hypothesis.settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    def test_with_answers_of_before(self, pools):
        known = shapes.Shapes()
        before = []
        # A host that changed, and one that is as it was long ago.
        for pool in (*pools, *reversed(pools)):
            seen = dataclasses.replace(pool, shapes=known.of_all(pool.hosts))
            before.append(seen)
            for models in MODELS:
                for need in NEEDS:
                    for project in ("p0", "p1", "q"):
                        asked = (models, need, project)
                        self.assertEqual(
                            plain_offers.offer([pool], *asked),
                            offers.offer([offers.look(seen)], *asked),
                        )

    @hypothesis.given(test_holding.pools(), test_planning.pools())
    @hypothesis.settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    def test_of_plans(self, one, other):
        """Host by host no other plan is made."""
        for pool in (one, other):
            plain = planning.Planning(pool)
            plain.__dict__["_glances"] = None
            for order in pool.orders:
                plain.decide(order)
            made = planning.plan(pool)
            self.assertEqual(tuple(plain.starts), made.starts)
            self.assertEqual(tuple(plain.waits), made.waits)

    @hypothesis.given(st.lists(test_holding.pools(), min_size=2, max_size=3))
    @hypothesis.settings(
        max_examples=30,
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    def test_of_several_pools(self, pools):
        looks = [offers.look(pool) for pool in pools]
        for models in MODELS:
            asked = (models, NEEDS[0], "p0")
            self.assertEqual(
                plain_offers.offer(pools, *asked), offers.offer(looks, *asked)
            )
