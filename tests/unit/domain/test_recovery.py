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

"""What is decided of a server, by what the database says of its lease."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import testtools

from gpubroker.domain import leases
from gpubroker.domain import recovered
from gpubroker.domain import recovery
from gpubroker.domain.leases import State
from gpubroker.domain.recovery import Act

NOW = datetime.datetime(2026, 11, 26, 12, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
LEASE = "11111111-1111-4111-8111-111111111111"
NODE = "22222222-2222-4222-8222-222222222222"


def running(**more: Any) -> recovered.Running:
    given = {
        "server_id": "server",
        "name": "train",
        "status": "ACTIVE",
        "project_id": "demo",
        "user_id": "alice",
        "node_id": NODE,
        "attempt": 2,
        "ticket": "T2",
        "shape_id": "S2",
        "lease_id": LEASE,
        "host": "gpu-1",
        "pool": "default",
        "flavor": "vm.gpu.a100.2",
        "model": "a100",
        "devices": ("d1", "d2"),
        "since": NOW - DAY,
    }
    return recovered.Running(**{**given, **more})


def lease(state: State, target: State | None = None, **node: Any) -> Any:
    return leases.Lease(
        id=LEASE,
        name="train",
        project_id="demo",
        user_id="alice",
        flavor="vm.gpu.a100.2",
        kind="vm",
        models=("a100",),
        gpus=2,
        vcpus=2,
        ram_mib=1024,
        disk_gib=1,
        topology="any",
        pool="default",
        requested_at=NOW - DAY,
        state=state,
        target=target or state,
        nodes=(leases.Node(id=NODE, lease_id=LEASE, index=0, **node),),
    )


def decide(
    one: recovered.Running, known: Any = None, begun: Any = ()
) -> list[recovery.Finding]:
    return recovery.decide([one], stored(known, begun), NOW, DAY)


def stored(known: Any = None, begun: Any = ()) -> recovery.Known:
    return recovery.Known(leases=[known] if known else [], begun=begun)


class Decide(testtools.TestCase):
    def test_by_what_the_database_says(self) -> None:
        other = {"attempt": 1, "server_id": "other"}
        for known, begun, wanted in (
            (None, (), Act.ADD),
            (lease(State.QUEUED), (), Act.RESUME),
            (lease(State.QUEUED, attempt=1), (), Act.RESUME),
            (lease(State.STARTING, State.ACTIVE, attempt=1), (), Act.RESUME),
            (lease(State.STARTING, State.QUEUED, attempt=1), (), Act.RESUME),
            (lease(State.STARTING, State.ACTIVE, attempt=2), (), Act.RESUME),
            # The worker goes on with what its journal says that it began.
            (
                lease(State.STARTING, State.ACTIVE, attempt=2),
                {(NODE, 2)},
                None,
            ),
            (lease(State.ACTIVE, server_id="server"), (), None),
            (lease(State.ACTIVE, **other), (), Act.TELL),
            (lease(State.ENDING, State.ENDED, attempt=2), (), None),
            (lease(State.ENDED), (), Act.TELL),
            (lease(State.FAILED), (), Act.TELL),
        ):
            found = [f.act for f in decide(running(), known, begun)]
            self.assertEqual([wanted] if wanted else [], found, known)

    def test_trouble_matters_only_where_something_would_be_written(
        self,
    ) -> None:
        one = running(trouble="it was resized")
        (found,) = decide(one)
        self.assertIs(Act.TELL, found.act)
        self.assertIn("it was resized", found.words)
        self.assertIsNone(found.lease)
        known = lease(State.ACTIVE, server_id="server")
        self.assertEqual([], decide(one, known))

    def test_a_resumed_node_has_what_its_server_has(self) -> None:
        known = lease(State.QUEUED, attempt=1)
        known = dataclasses.replace(known, rights_gone_at=NOW)
        (found,) = decide(running(), known)
        self.assertIsNone(found.lease.rights_gone_at)
        (node,) = found.lease.nodes
        self.assertEqual(
            (2, "gpu-1", "T2", "S2", "server", ("d1", "d2")),
            (
                node.attempt,
                node.host,
                node.ticket,
                node.shape_id,
                node.server_id,
                node.planned,
            ),
        )
        self.assertEqual(
            (State.ACTIVE, State.ACTIVE),
            (found.lease.state, found.lease.target),
        )

    def test_it_runs_on_for_a_while_however_long_it_ran(self) -> None:
        for hours, wanted in ((1, NOW + DAY), (72, NOW + 2 * DAY)):
            (found,) = decide(running(duration=hours * 3600))
            self.assertEqual(wanted, found.lease.expires_at)
        (found,) = decide(running())
        self.assertIsNone(found.lease.expires_at)

    def test_an_active_lease_that_is_nearly_over_runs_on(self) -> None:
        known = lease(State.ACTIVE, server_id="server")
        for hours, wanted in ((-5, [Act.PROLONG]), (5, [Act.PROLONG])):
            ends = NOW + datetime.timedelta(hours=hours)
            soon = dataclasses.replace(known, expires_at=ends)
            found = decide(running(), soon)
            self.assertEqual(wanted, [f.act for f in found])
            self.assertEqual(NOW + DAY, found[0].lease.expires_at)
        late = dataclasses.replace(known, expires_at=NOW + 2 * DAY)
        self.assertEqual([], decide(running(), late))

    def test_an_end_that_was_moved_already_is_not_moved_again(self) -> None:
        known = lease(State.ACTIVE, server_id="server")
        soon = dataclasses.replace(known, expires_at=NOW)
        kept = recovery.Known(leases=[soon], kept={LEASE})
        self.assertEqual([], recovery.decide([running()], kept, NOW, DAY))

    def test_what_the_broker_itself_would_start_again_ends(self) -> None:
        service = leases.IdentityMode.SERVICE
        for state, mode, behind, wanted in (
            (State.QUEUED, service, True, [Act.END]),
            (State.STARTING, service, True, [Act.END]),
            (State.QUEUED, service, False, []),
            (State.QUEUED, leases.IdentityMode.TRUST, True, []),
            (State.ACTIVE, service, True, []),
            (State.ENDED, service, True, []),
        ):
            known = dataclasses.replace(lease(state), identity_mode=mode)
            given = recovery.Known(leases=[known], behind=behind)
            found = recovery.decide([], given, NOW, DAY)
            self.assertEqual(wanted, [f.act for f in found], known)
        # One that runs is taken back, and waits for that while it is made.
        known = dataclasses.replace(known, state=State.QUEUED)
        given = recovery.Known(leases=[known], behind=True)
        for trouble, act in (("", Act.RESUME), ("it is made", Act.TELL)):
            one = running(trouble=trouble)
            found = recovery.decide([one], given, NOW, DAY)
            self.assertEqual([act], [f.act for f in found])

    def test_one_whose_server_is_gone_ends_as_ever(self) -> None:
        known = lease(State.ACTIVE, server_id="gone")
        over = dataclasses.replace(known, expires_at=NOW - DAY)
        self.assertEqual([], recovery.decide([], stored(over), NOW, DAY))

    def test_servers_of_one_lease_come_together(self) -> None:
        nodes = ["a" * 8 + NODE[8:], "b" * 8 + NODE[8:]]
        group = [
            running(
                server_id=f"server-{index}",
                name=f"train-{index}",
                node_id=node_id,
                index=index,
                nodes=3,
            )
            for index, node_id in enumerate(nodes)
        ]
        (found,) = recovery.decide(group, stored(), NOW, DAY)
        self.assertEqual("train", found.lease.name)
        self.assertEqual(3, found.lease.node_count)
        self.assertEqual(
            ["server-0", "server-1", None],
            [node.server_id for node in found.lease.nodes],
        )
        self.assertEqual(nodes, [n.id for n in found.lease.nodes[:2]])


class Nodes(testtools.TestCase):
    """A lease of two servers."""

    IDS = ("a" * 8 + NODE[8:], "b" * 8 + NODE[8:])

    def running(self, index: int, **more: Any) -> recovered.Running:
        given = {
            "server_id": f"server-{index}",
            "name": f"train-{index}",
            "node_id": self.IDS[index],
            "index": index,
            "nodes": 2,
            "devices": (f"d{index}",),
        }
        return running(**{**given, **more})

    def lease(self, state: State, *nodes: dict[str, Any]) -> leases.Lease:
        target = State.ACTIVE if state is State.STARTING else state
        given = [
            leases.Node(id=key, lease_id=LEASE, index=index, **more)
            for index, (key, more) in enumerate(
                zip(self.IDS, nodes, strict=True)
            )
        ]
        known = lease(state, target)
        return dataclasses.replace(known, node_count=2, nodes=tuple(given))

    def decide(
        self, servers: Any, known: Any = None, begun: Any = ()
    ) -> list[recovery.Finding]:
        return recovery.decide(servers, stored(known, begun), NOW, DAY)

    def test_the_servers_that_a_worker_knows_come_with_the_others(
        self,
    ) -> None:
        begun = {(self.IDS[0], 2)}
        for first in ({"attempt": 2, "server_id": "server-0"}, {"attempt": 2}):
            known = self.lease(State.STARTING, first, {"attempt": 2})
            both = [self.running(0), self.running(1)]
            (found,) = self.decide(both, known, begun)
            self.assertIs(Act.RESUME, found.act)
            self.assertEqual(
                [("server-0", ("d0",)), ("server-1", ("d1",))],
                [(n.server_id, n.planned) for n in found.lease.nodes],
            )
            self.assertEqual([], self.decide(both[:1], known, begun))
            # Where something is forgotten, it is not left to a worker, who
            # may fail with the other and take this one back.
            given = recovery.Known(leases=[known], begun=begun, behind=True)
            (found,) = recovery.decide(both[:1], given, NOW, DAY)
            self.assertEqual(
                ["server-0", None], [n.server_id for n in found.lease.nodes]
            )
            all_begun = {*begun, (self.IDS[1], 2)}
            given = dataclasses.replace(given, begun=all_begun)
            self.assertEqual([], recovery.decide(both, given, NOW, DAY))

    def test_a_node_without_a_server_keeps_what_it_has(self) -> None:
        """The end of the lease removes it."""
        has = {"attempt": 2, "ticket": "T", "planned": ("d0",)}
        known = self.lease(State.STARTING, has, {"attempt": 2})
        (found,) = self.decide([self.running(1)], known)
        self.assertEqual(known.nodes[0], found.lease.nodes[0])

    def test_what_is_of_an_earlier_start_it_has_no_more(self) -> None:
        has = {"attempt": 1, "ticket": "T", "planned": ("d0",)}
        known = self.lease(State.STARTING, has, {"attempt": 1})
        (found,) = self.decide([self.running(1)], known)
        self.assertEqual((), found.lease.nodes[0].planned)
        self.assertIsNone(found.lease.nodes[0].ticket)

    def test_a_lease_waits_for_the_last_of_its_servers(self) -> None:
        making = self.running(1, status="BUILD", trouble="it is being made")
        known = self.lease(State.QUEUED, {}, {})
        for lease_ in (None, known):
            found = self.decide([self.running(0), making], lease_)
            self.assertEqual([Act.TELL] * 2, [f.act for f in found])

    def test_a_server_that_stays_odd_keeps_no_other_back(self) -> None:
        odd = self.running(1, trouble="it was resized")
        both = [self.running(0), odd]
        told, found = self.decide(both)
        self.assertIn("it was resized", told.words)
        self.assertEqual(
            [(self.IDS[0], "server-0"), (self.IDS[1], None)],
            [(node.id, node.server_id) for node in found.lease.nodes],
        )
        mended = [self.running(0), self.running(1)]
        (found,) = self.decide(mended, found.lease)
        self.assertIs(Act.RESUME, found.act)
        self.assertEqual(
            ["server-0", "server-1"],
            [node.server_id for node in found.lease.nodes],
        )
        self.assertEqual([], self.decide(mended, found.lease))

    def test_one_that_was_not_seen_at_first_is_taken_in(self) -> None:
        (found,) = self.decide([self.running(0)])
        both = [self.running(0), self.running(1)]
        (found,) = self.decide(both, found.lease)
        self.assertEqual(
            ["server-0", "server-1"],
            [node.server_id for node in found.lease.nodes],
        )
        self.assertEqual([], self.decide(both, found.lease))

    def test_of_two_servers_of_a_node_the_later_start_counts(self) -> None:
        old = self.running(0, server_id="old", attempt=1)
        told, found = self.decide([old, self.running(0), self.running(1)])
        self.assertIn("(old)", told.words)
        self.assertEqual("server-0", found.lease.nodes[0].server_id)
