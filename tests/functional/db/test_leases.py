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

"""Leases and their queue in the store."""

from __future__ import annotations

import dataclasses
import datetime
import traceback
from collections.abc import Iterator
from typing import Any

import fixtures

from gpubroker import errors
from gpubroker.domain import leases
from gpubroker.domain import pools
from gpubroker.services import ports
from gpubroker.services.paging import Page
from tests.functional.db import base
from tests.functional.db import samples

SECOND = datetime.timedelta(seconds=1)
TICK = datetime.timedelta(microseconds=1)


class LeaseTests(base.Tests):
    def test_a_lease_comes_back_as_it_went_in(self) -> None:
        made = samples.lease(nodes=3)
        trust = leases.Delegation(
            lease_id=made.id,
            mode=leases.IdentityMode.TRUST,
            trust_id="t1",
            expires_at=base.START,
        )
        with self.store.write() as tx:
            added = tx.leases.add(made, trust)
        with self.store.read() as tx:
            self.assertEqual(added, tx.leases.get(made.id))
            self.assertEqual(trust, tx.leases.delegation(made.id))
            self.assertIsNone(tx.leases.delegation("x"))

    def test_a_public_key_stays_with_the_delegation(self) -> None:
        made = samples.lease()
        service = leases.Delegation(
            lease_id=made.id,
            mode=leases.IdentityMode.SERVICE,
            public_key=leases.PublicKey("x509", "A" * 4000),
        )
        with self.store.write() as tx:
            tx.leases.add(made, service)
        with self.store.read() as tx:
            self.assertEqual(service, tx.leases.delegation(made.id))

    def test_those_that_wait_for_rights(self) -> None:
        caller = leases.IdentityMode.CALLER
        gone = samples.lease(name="gone", rights_gone_at=base.START)
        robot = samples.lease(name="robot", identity_mode=caller)
        with self.store.write() as tx:
            for lease in (
                samples.lease(name="fine"),
                gone,
                robot,
                samples.lease(
                    name="runs",
                    identity_mode=caller,
                    state=leases.State.ACTIVE,
                    target=leases.State.ACTIVE,
                ),
            ):
                tx.leases.add(lease, None)
            found = tx.leases.held_for_rights(gone.pool)
            self.assertEqual(
                [("gone", base.START), ("robot", None)],
                sorted((f.name, f.rights_gone_at) for f in found),
            )
            self.assertEqual([], tx.leases.held_for_rights("other"))

    def test_those_that_have_a_server(self) -> None:
        server = samples.new_id()
        for state in ("active", "ended"):
            made = samples.lease(nodes=2, state=leases.State(state))
            (one, other) = made.nodes
            node = dataclasses.replace(other, server_id=server)
            adopted = leases.IdentityMode.ADOPTED
            made = dataclasses.replace(
                made, nodes=(one, node), identity_mode=adopted
            )
            with self.store.write() as tx:
                tx.leases.add(made, None)
        with self.store.read() as tx:
            (found,) = tx.leases.with_server(server)
            self.assertEqual(leases.State.ACTIVE, found.state)
            self.assertTrue(found.adopted)
            self.assertEqual([], tx.leases.with_server(samples.new_id()))

    def test_another_projects_lease_is_not_there(self) -> None:
        with self.store.write() as tx:
            made = tx.leases.add(samples.lease(user_data=None), None)
            self.assertEqual(made, tx.leases.get(made.id, "p1"))
            self.assertRaises(errors.NotFound, tx.leases.get, made.id, "p2")
            self.assertEqual([made], tx.leases.find("train", "p1"))
            self.assertEqual([], tx.leases.find("train", "p2"))

    def test_an_update_leaves_nodes_user_data_and_the_order_alone(
        self,
    ) -> None:
        with self.store.write() as tx:
            read = tx.leases.add(samples.lease(), None)
            won = tx.leases.update(
                dataclasses.replace(
                    read,
                    name="renamed",
                    state=leases.State.STARTING,
                    target=leases.State.ACTIVE,
                    model="a100-sxm4-80gb",
                    attempts=2,
                    not_before=base.START,
                    started_at=base.START,
                    expires_at=base.START + SECOND,
                    end_cause=leases.EndCause.USER,
                    reason="because",
                    # none of these is written
                    gpus=8,
                    project_id="p2",
                    user_data=None,
                    nodes=(),
                )
            )
            self.assertRaises(errors.ConcurrentUpdate, tx.leases.update, read)
        with self.store.read() as tx:
            stands = tx.leases.get(read.id)
        self.assertEqual(
            dataclasses.replace(
                won,
                gpus=read.gpus,
                project_id=read.project_id,
                user_data=read.user_data,
                nodes=read.nodes,
            ),
            stands,
        )

    def test_of_two_that_change_one_reading_at_once_one_wins(self) -> None:
        with self.store.write() as tx:
            read = tx.leases.add(samples.lease(), None)
        other = self.another_store()

        def change(of: ports.Store, name: str) -> str:
            with of.write() as tx:
                tx.leases.update(dataclasses.replace(read, name=name))
            return name

        found = self.together(
            lambda: change(self.store, "a"), lambda: change(other, "b")
        )
        lost = [
            one for one in found if isinstance(one, errors.ConcurrentUpdate)
        ]
        self.assertEqual(1, len(lost), f"{found}")
        with self.store.read() as tx:
            self.assertIn(tx.leases.get(read.id).name, found)

    def test_nodes_change_by_themselves(self) -> None:
        with self.store.write() as tx:
            made = tx.leases.add(samples.lease(nodes=2), None)
            changed = dataclasses.replace(
                made.nodes[1],
                attempt=1,
                host="gpu-1",
                ticket="CUSTOM_GPUBROKER_X",
                shape_id="s",
                server_id=samples.new_id(),
                server_status="ACTIVE",
                addresses=("10.0.0.5",),
                planned=("d1", "d2"),
                fault="none",
            )
            tx.leases.update_node(changed)
            stands = tx.leases.get(made.id)
            self.assertEqual((made.nodes[0], changed), stands.nodes)
            self.assertEqual(made.generation, stands.generation)
            ghost = leases.Node(id="x", lease_id=made.id, index=9)
            self.assertRaises(errors.NotFound, tx.leases.update_node, ghost)

    def test_secrets_are_forgotten(self) -> None:
        made = samples.lease()
        trust = leases.Delegation(
            lease_id=made.id, mode=leases.IdentityMode.TRUST, trust_id="t1"
        )
        with self.store.write() as tx:
            tx.leases.add(made, trust)
            for _ in range(2):
                tx.leases.forget_user_data(made.id)
                tx.leases.forget_delegation(made.id)
            self.assertIsNone(tx.leases.get(made.id).user_data)
            self.assertIsNone(tx.leases.user_data(made.id))
            self.assertIsNone(tx.leases.delegation(made.id))

    def test_user_data_of_any_size_comes_back_and_can_be_renewed(self) -> None:
        most = "QUJD" * 16383
        with self.store.write() as tx:
            made = tx.leases.add(samples.lease(user_data=most), None)
            none = tx.leases.add(samples.lease(user_data=None), None)
            self.assertEqual([made.id], tx.leases.with_user_data())
            self.assertTrue(tx.leases.user_data_is_fresh(made.id))
        with self.store.write() as tx:
            for lease in (made, none):
                tx.leases.renew_user_data(lease.id)
        with self.store.read() as tx:
            self.assertEqual(most, tx.leases.user_data(made.id))
            self.assertIsNone(tx.leases.user_data(none.id))
            self.assertRaises(errors.NotFound, tx.leases.user_data, "x")

    def test_a_page_tells_of_user_data_without_sending_it(self) -> None:
        with self.store.write() as tx:
            tx.leases.add(samples.lease(requested_at=base.START), None)
            tx.leases.add(
                samples.lease(requested_at=base.START + TICK, user_data=None),
                None,
            )
            with self.statements() as sent:
                found = tx.leases.page(Page()).items
            self.assertEqual(["", None], [one.user_data for one in found])
            self.assertEqual(1, sent[0].count("user_data IS NOT NULL"))
            self.assertNotIn("lease.user_data,", sent[0])
            self.assertEqual("I2Nsb3Vk", tx.leases.user_data(found[0].id))

    def test_what_walks_over_many_leaves_user_data_where_it_is(self) -> None:
        active = {
            "state": leases.State.ACTIVE,
            "expires_at": base.START,
            "name": "other",
        }
        with self.store.write() as tx:
            tx.leases.add(samples.lease(), None)
            tx.leases.add(samples.lease(**active), None)
            with self.statements() as sent:
                found = [
                    *tx.leases.in_state([leases.State.QUEUED]),
                    *tx.leases.find("train", "p1"),
                    *tx.leases.expiring(base.START),
                ]
            self.assertEqual(["", "", ""], [one.user_data for one in found])
            for statement in sent:
                self.assertNotIn("lease.user_data,", statement)

    def test_a_statement_that_fails_does_not_tell_its_values(self) -> None:
        """They get into logs, and user data is full of passwords."""
        logged = self.useFixture(fixtures.FakeLogger())
        nameless: Any = {"name": None}
        try:
            with self.store.write() as tx:
                tx.leases.add(samples.lease(**nameless), None)
        except Exception:
            told = traceback.format_exc()
        self.assertIn("INSERT INTO lease", told)
        self.assertIn("hide_parameters=True", told)
        # PostgreSQL itself quotes the row that breaks a constraint, 64 bytes
        # of each value: a known hole until user data is kept encrypted.
        told = "".join(_without_detail(told + logged.output))
        self.assertNotIn("I2Nsb3Vk", told)

    def test_what_is_not_there(self) -> None:
        with self.store.write() as tx:
            ghost = samples.lease()
            self.assertRaises(errors.NotFound, tx.leases.get, ghost.id)
            self.assertRaises(errors.NotFound, tx.leases.update, ghost)
            error = self.assertRaises(
                errors.Invalid, tx.leases.add, samples.lease(pool="x"), None
            )
            self.assertEqual("pool", error.fields["field"])
            tx.leases.add(ghost, None)
            self.assertRaises(errors.Duplicate, tx.leases.add, ghost, None)


def _without_detail(text: str) -> Iterator[str]:
    return (
        line
        for line in text.splitlines()
        if not line.startswith("DETAIL:  Failing row contains")
    )


class QueueTests(base.Tests):
    def order(self, n: int, **fields: Any) -> leases.Lease:
        moment = base.START + n * TICK
        with self.store.write() as tx:
            return tx.leases.add(
                samples.lease(requested_at=moment, user_data=None, **fields),
                None,
            )

    def test_first_come_first_served_by_the_microsecond(self) -> None:
        late, early = self.order(2), self.order(1)
        twin = self.order(1)
        queue = [*sorted([early, twin], key=lambda one: one.id), late]
        with self.store.read() as tx:
            self.assertEqual(queue, tx.leases.in_state([leases.State.QUEUED]))
            self.assertEqual(
                {lease.id: n for n, lease in enumerate(queue, 1)},
                tx.leases.places(queue),
            )

    def test_each_pool_has_a_queue_of_its_own(self) -> None:
        with self.store.write() as tx:
            tx.pools.add(pools.Pool(name="r"))
        first = self.order(1)
        other = self.order(2, pool="r")
        started = self.order(3, pool="r", state=leases.State.STARTING)
        second = self.order(4)
        with self.store.read() as tx:
            queued = [leases.State.QUEUED]
            self.assertEqual([other], tx.leases.in_state(queued, "r"))
            self.assertEqual(
                [other, started],
                tx.leases.in_state([*queued, leases.State.STARTING], "r"),
            )
            self.assertEqual(
                {first.id: 1, second.id: 2, other.id: 1},
                tx.leases.places([first, second, other, started]),
            )
            self.assertEqual({}, tx.leases.places([]))

    def test_who_waits_for_rights_has_no_place_and_keeps_none(self) -> None:
        held = self.order(1, rights_gone_at=base.START)
        behind = self.order(2)
        with self.store.read() as tx:
            self.assertEqual({behind.id: 1}, tx.leases.places([held, behind]))
            self.assertEqual(
                [behind.id],
                [one.lease_id for one in tx.leases.waiting(["default"])],
            )

    def test_expiring_and_open(self) -> None:
        active = {
            "state": leases.State.ACTIVE,
            "expires_at": base.START + SECOND,
        }
        due = self.order(1, **active)
        self.order(2, state=leases.State.ACTIVE)
        self.order(3, state=leases.State.ENDED, expires_at=base.START + SECOND)
        self.order(4, project_id="p2")
        with self.store.read() as tx:
            self.assertEqual([], tx.leases.expiring(base.START))
            self.assertEqual([due], tx.leases.expiring(base.START + SECOND))
            self.assertEqual(2, tx.leases.count_open("p1"))
            self.assertEqual(0, tx.leases.count_open("p3"))

    def test_filters(self) -> None:
        one = self.order(1, name="a")
        two = self.order(2, name="b", state=leases.State.ACTIVE)
        three = self.order(3, project_id="p2", user_id="u2", flavor="f")
        with self.store.read() as tx:
            for filters, found in (
                ({}, [one, two, three]),
                ({"project_id": "p1"}, [one, two]),
                ({"name": "b"}, [two]),
                ({"id": three.id}, [three]),
                ({"state": ("active", "queued"), "name": "a"}, [one]),
                ({"state": "nonsense"}, []),
                ({"flavor": "f"}, [three]),
                ({"user_id": "u2"}, [three]),
                ({"pool": "default", "state": "active"}, [two]),
            ):
                page = tx.leases.page(Page(filters=filters))
                self.assertEqual(
                    [lease.id for lease in found],
                    [lease.id for lease in page.items],
                    f"{filters}",
                )


LeaseTestsOnSQLite, LeaseTestsOnMariaDB, LeaseTestsOnPostgreSQL = base.bound(
    LeaseTests
)

QueueTestsOnSQLite, QueueTestsOnMariaDB, QueueTestsOnPostgreSQL = base.bound(
    QueueTests
)
