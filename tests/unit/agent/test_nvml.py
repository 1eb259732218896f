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


import json
from collections.abc import Sequence

import testtools

from gpubroker.agent import nvml
from gpubroker.domain import hosts
from tests.fixtures import clock as clocks

A = "0000:07:00.0"
B = "0000:0b:00.0"
C = "0000:48:00.0"


class Child:
    """A child that says and does what a test tells it.

    :param unkillable: waits in the kernel, where no signal reaches it.
    """

    def __init__(self, addresses: Sequence[str]) -> None:
        self.addresses = list(addresses)
        self.status: int | None = None
        self.killed = False
        self.closed = False
        self.unkillable = False
        self._said = b""

    def say(self, *facts: object) -> None:
        for fact in facts:
            self._said += json.dumps(fact).encode() + b"\n"

    def say_card(self, address: str, **facts: object) -> None:
        known = {"serial": "1", "uuid": "GPU-1", "name": "X", "errors": []}
        self.say({"begin": address}, {"card": address, **known, **facts})

    def finish(self) -> None:
        self.say({"end": True})
        self.status = 0

    def fileno(self) -> int:
        return 0

    def read(self) -> bytes:
        said, self._said = self._said, b""
        return said

    def ended(self) -> int | None:
        return self.status

    def kill(self) -> None:
        self.killed = True
        if not self.unkillable:
            self.status = -9

    def close(self) -> None:
        self.closed = True


class ProberTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.clock = clocks.Clock()
        self.children: list[Child] = []
        self.prober = nvml.Prober(self.clock, 30, self.spawn)

    def spawn(self, addresses: Sequence[str]) -> Child:
        self.children.append(Child(addresses))
        return self.children[-1]

    def kinds(self) -> list[str]:
        return [each.kind for each in self.prober.conditions]

    def test_one_child_asks_about_every_card(self) -> None:
        self.prober.start({B, A})
        (child,) = self.children
        self.assertEqual([A, B], child.addresses)
        child.say_card(A, serial=" 165 ", errors=[["f", 15], ["e", 3]])
        self.prober.poll()
        child.say_card(B, serial="", uuid=7)
        child.finish()
        self.prober.poll()
        self.assertEqual(
            {
                A: nvml.Answer(
                    serial="165",
                    uuid="GPU-1",
                    name="X",
                    errors=(nvml.Error("e", 3), nvml.Error("f", 15)),
                ),
                B: nvml.Answer(name="X"),
            },
            self.prober.answers,
        )
        self.assertIs(False, self.prober.busy)
        self.assertIs(True, child.closed)
        self.assertEqual((), self.prober.conditions)

    def test_no_card_no_child(self) -> None:
        self.prober.start([])
        self.assertEqual([], self.children)
        self.assertIsNone(self.prober.fileno())

    def test_a_sweep_under_way_is_not_begun_again(self) -> None:
        self.prober.start([A])
        self.prober.start([A])
        self.assertEqual(1, len(self.children))

    def test_a_library_that_does_not_work(self) -> None:
        self.prober.start([A, B])
        self.children[0].say({"host": ["nvmlInit", 9, "driver not loaded"]})
        self.children[0].finish()
        self.prober.poll()
        self.assertEqual(
            (
                hosts.Condition(
                    kind="nvml_unavailable",
                    detail="nvmlInit: driver not loaded (9)",
                ),
            ),
            self.prober.conditions,
        )
        self.assertEqual({}, self.prober.answers)
        self.assertEqual(1, len(self.children))

    def test_a_card_that_hangs_costs_one_child(self) -> None:
        self.prober.start([A, B, C])
        self.children[0].say_card(A)
        self.children[0].say({"begin": B})
        self.clock.advance(29)
        self.prober.poll()
        self.assertIs(False, self.children[0].killed)
        self.clock.advance(1)
        self.prober.poll()
        self.assertIs(True, self.children[0].killed)
        self.prober.poll()
        self.assertEqual([C], self.children[1].addresses)
        self.children[1].say_card(C)
        self.children[1].finish()
        self.prober.poll()
        self.assertEqual({A, C}, set(self.prober.answers))
        (condition,) = self.prober.conditions
        self.assertEqual("nvml_timeout", condition.kind)
        self.assertIn(B, condition.detail)

    def test_a_crash_costs_one_child(self) -> None:
        self.prober.start([A, B])
        self.children[0].say({"begin": A})
        self.children[0].status = -11
        self.prober.poll()
        self.assertEqual([B], self.children[1].addresses)
        self.children[1].say_card(B)
        self.children[1].finish()
        self.prober.poll()
        self.assertEqual({B}, set(self.prober.answers))
        (condition,) = self.prober.conditions
        self.assertEqual("nvml_crashed", condition.kind)
        self.assertIn("-11", condition.detail)

    def test_a_library_that_hangs_is_asked_once(self) -> None:
        self.prober.start([A, B])
        self.clock.advance(30)
        self.prober.poll()
        self.prober.poll()
        self.assertEqual(["nvml_timeout"], self.kinds())
        self.assertEqual(1, len(self.children))
        self.assertIs(False, self.prober.busy)

    def test_nothing_is_asked_while_a_child_can_not_be_ended(self) -> None:
        self.prober.start([A, B])
        child = self.children[0]
        child.unkillable = True
        child.say({"begin": A})
        self.clock.advance(30)
        self.prober.poll()
        self.assertEqual([], self.kinds())
        self.clock.advance(3)
        self.prober.poll()
        self.assertEqual(["nvml_stuck"], self.kinds())
        self.prober.start([B])
        self.assertEqual(1, len(self.children))
        self.assertIsNone(self.prober.fileno())
        child.status = -9
        self.prober.poll()
        self.assertEqual([B], self.children[1].addresses)
        self.children[1].say_card(B)
        self.children[1].finish()
        self.prober.poll()
        self.assertEqual(["nvml_timeout"], self.kinds())

    def test_a_claimed_card_is_let_go_at_once(self) -> None:
        self.prober.start([A, B, C])
        self.children[0].say_card(A)
        self.children[0].say({"begin": B})
        self.prober.poll()
        self.prober.forget([A, B])
        self.assertIs(True, self.children[0].killed)
        self.assertEqual({}, self.prober.answers)
        self.prober.poll()
        self.assertEqual([C], self.children[1].addresses)
        self.children[1].say_card(C)
        self.children[1].finish()
        self.prober.poll()
        self.assertEqual({C}, set(self.prober.answers))
        self.assertEqual((), self.prober.conditions)

    def test_a_claimed_card_that_is_done_disturbs_nobody(self) -> None:
        self.prober.start([A, B])
        self.children[0].say_card(A)
        self.prober.poll()
        self.prober.forget([A, C])
        self.assertIs(False, self.children[0].killed)

    def test_an_answer_that_is_not_renewed_is_dropped(self) -> None:
        self.prober.start([A])
        self.children[0].say_card(A)
        self.children[0].finish()
        self.prober.poll()
        self.prober.start([A])
        self.assertEqual({A}, set(self.prober.answers))
        self.children[1].say({"host": ["nvmlInit", 18, "mismatch"]})
        self.children[1].finish()
        self.prober.poll()
        self.assertEqual({}, self.prober.answers)

    def test_nonsense_from_a_child_is_ignored(self) -> None:
        self.prober.start([A])
        self.children[0].say(1, [], {"card": A}, {"card": A, "errors": 1})
        self.children[0].say({"host": [1]}, {"card": "z", "serial": 1})
        self.children[0].say_card(A)
        self.children[0].finish()
        self.prober.poll()
        self.assertEqual({A}, set(self.prober.answers))
        self.assertEqual((), self.prober.conditions)

    def test_no_process_can_be_made(self) -> None:
        def refuse(addresses: Sequence[str]) -> Child:
            raise BlockingIOError(11, "Resource temporarily unavailable")

        prober = nvml.Prober(self.clock, 30, refuse)
        prober.start([A])
        self.assertIs(False, prober.busy)
        self.assertEqual("nvml_unavailable", prober.conditions[0].kind)

    def test_the_end_of_the_agent_ends_the_child(self) -> None:
        self.prober.start([A])
        self.prober.stop()
        self.assertIs(True, self.children[0].killed)
