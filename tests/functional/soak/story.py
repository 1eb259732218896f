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

"""A month by chance: who orders, who ends, and what goes wrong.

Each seed is a story. It is told to one broker whose workers die, in a cloud
that fails, on a clock that jumps to what comes next.
"""

from __future__ import annotations

import collections
import random

from gpubroker import errors
from gpubroker.domain import events
from gpubroker.domain import leases
from gpubroker.services import discovery
from gpubroker.services import drain
from gpubroker.services import end
from gpubroker.services import extend
from tests.fixtures import effort
from tests.fixtures import world
from tests.functional.soak import agents
from tests.functional.soak import robots
from tests.functional.soak import workers

#: A month; nine days by default.
DAYS = 30 if effort.LONG else 9
DAY = 86400.0
PEOPLE = (
    ("alice", "demo"),
    ("bob", "demo"),
    ("carol", "vision"),
    ("dave", "weather"),
)
#: What becomes of the next server; most are fine. None turns up later than
#: ``post_doubt_seconds``: an operator sets that to outlast any time-out.
_FATES = (
    *("active",) * 24,
    "error",
    "no_boot",
    "no_valid_host",
    "lost",
    "unmade",
    "stuck",
    "elsewhere",
)
#: Acts and how often they come, beside 100 orders.
_ACTS = {
    "order": 100,
    "end": 20,
    "extend": 15,
    "end_twice": 3,
    "delete_a_server": 6,
    "shelve_a_server": 4,
    "unshelve_a_server": 4,
    "stranger_comes": 3,
    "stranger_goes": 4,
    "over_allocate": 3,
    "outage": 4,
    "card_falls_ill": 3,
    "operator_forgives": 3,
    "agent_goes_silent": 2,
    "host_boots": 3,
    "host_goes_down": 2,
    "hosts_come_up": 4,
    "drain": 1,
    "resume": 3,
    "worker_dies": 10,
    "api_dies": 3,
}
#: Part of the orders that programs give, with an application credential.
_ROBOTS = 0.2


class Story:
    """:param orders: about as many are made in the month.

    :ivar done: how often what was done.
    """

    def __init__(self, seed: int, orders: int, found: world.World) -> None:
        self.dice = random.Random(seed)
        self.world = found
        self.cloud = found.cloud
        self.agents = agents.Agents(found)
        self.done: collections.Counter[str] = collections.Counter()
        self.unit = DAYS * DAY / orders
        self.workers = workers.Workers(self.dice, found, max(900.0, self.unit))
        self._gap = self.unit * _ACTS["order"] / sum(_ACTS.values())

    def tell_a_day(self) -> None:
        """The agents report twice a day."""
        for _half in range(2):
            self.agents.report()
            until = self.world.clock.monotonic() + DAY / 2
            while self.world.clock.monotonic() < until:
                self._act()
                gap = self.dice.expovariate(1 / self._gap)
                left = until - self.world.clock.monotonic()
                self.workers.work(max(0.0, min(gap, left)))

    def _act(self) -> None:
        (name,) = self.dice.choices(list(_ACTS), list(_ACTS.values()))
        try:
            getattr(self, name)()
        except (
            errors.Conflict,
            errors.Unavailable,
            errors.NotFound,
            errors.QuotaExceeded,
        ):
            # What the API answers with 409, 503, 404 and, where many wait
            # already, 403.
            self.done[f"{name}, refused"] += 1
        else:
            self.done[name] += 1

    # -- people ------------------------------------------------------------

    def order(self) -> None:
        self.cloud.fates.append(self.dice.choice(_FATES))
        self.cloud.unseen["lost"] = self.dice.choice((0.8, 10.0, 50.0))
        user, project = self.dice.choice(PEOPLE)
        duration = int(self.unit * self.dice.choice((0.3, 1, 2, 4, 8)))
        core = self.workers.core()
        robot = self.dice.random() < _ROBOTS
        lease = self.world.order(
            f"lease-{self.done['order']}",
            core=core,
            user=user,
            project=project,
            flavor=self.dice.choice(("gpu.1", "gpu.1", "gpu.2")),
            nodes=self.dice.choice((1, 1, 1, 2)),
            duration=max(60, duration),
            methods=robots.METHODS if robot else (),
        )
        self.workers.robots.take(lease)

    def _some(self, *states: str) -> leases.Lease:
        found = [le for le in self.world.open() if le.state in states]
        if not found:
            raise errors.NotFound("None such now.")
        return self.dice.choice(found)

    def end(self) -> None:
        lease = self._some("queued", "starting", "active")
        end.end(self.world.core, lease.id, lease.project_id)

    def end_twice(self) -> None:
        lease = self._some("queued", "starting", "active", "ending")
        for _time in range(2):
            end.end(self.world.core, lease.id, lease.project_id)

    def extend(self) -> None:
        lease = self._some("queued", "starting", "active", "ending")
        more = max(60, int(self.unit * self.dice.choice((0.2, 1, 3))))
        extend.extend(self.world.core, lease.id, more)

    def delete_a_server(self) -> None:
        if self.cloud.machines:
            self.cloud.delete(self.dice.choice(list(self.cloud.machines)))

    def _server(self, status: str) -> str:
        """One of an active lease."""
        active = [le for le in self.world.open() if le.state == "active"]
        ids = [node.server_id for lease in active for node in lease.nodes]
        machines = [m for i in ids if (m := self.cloud.machines.get(i or ""))]
        found = [
            machine.seen.id
            for machine in machines
            if machine.seen.status == status and machine.gone_at is None
        ]
        if not found:
            raise errors.NotFound("None such now.")
        return self.dice.choice(found)

    def shelve_a_server(self) -> None:
        self.cloud.shelve(self._server("ACTIVE"))

    def unshelve_a_server(self) -> None:
        """The first time finds its cards closed, and is heard."""
        server = self._server("SHELVED_OFFLOADED")
        for _time in range(2):
            self.cloud.unshelve(server)
            self.workers.look_at_everything()
            self.workers.work(30)

    # -- other people ------------------------------------------------------

    def _host(self) -> str:
        return self.dice.choice(list(self.world.trees))

    def _slot(self) -> int:
        return self.dice.randrange(len(self.world.trees["gpu-1"].addresses))

    def stranger_comes(self) -> None:
        """Where Placement lets it: not on a card that is fenced or held."""
        try:
            self.cloud.stranger(self._host(), self._slot())
        except Exception as error:
            raise errors.Conflict("No place.") from error

    def stranger_goes(self) -> None:
        if self.cloud.strangers:
            number = self.dice.randrange(len(self.cloud.strangers))
            gone = self.cloud.strangers.pop(number)
            self.world.trees["gpu-1"].delete_server(gone.id)

    def over_allocate(self) -> None:
        tree = self.world.trees[self._host()]
        self.cloud.over_allocate = tree.addresses[self._slot()]

    # -- the cloud ---------------------------------------------------------

    def outage(self) -> None:
        away = (("nova",), ("keystone",), ("nova", "keystone"))
        self.cloud.down = set(self.dice.choice(away))
        self.workers.work(self.dice.uniform(1, 300))
        self.cloud.down = set()

    def card_falls_ill(self) -> None:
        code = self.dice.choice((agents.FATAL, agents.ODD))
        self.agents.sicken(self._host(), self._slot(), code)

    def operator_forgives(self) -> None:
        self.agents.forgive()

    def agent_goes_silent(self) -> None:
        self.agents.silent.add(self._host())

    def host_boots(self) -> None:
        self.agents.boots(self._host())

    def host_goes_down(self) -> None:
        self.world.compute_goes_down(self._host())

    def hosts_come_up(self) -> None:
        discovery.discover(self.world.core)

    def drain(self) -> None:
        drain.drain(
            self.world.core,
            self._host(),
            "fan",
            events.Actor(user_id=agents.OPERATOR),
            lambda _generation: None,
        )

    def resume(self) -> None:
        for name in self.world.trees:
            drain.resume(
                self.world.core,
                name,
                events.Actor(user_id=agents.OPERATOR),
                lambda _generation: None,
            )

    def worker_dies(self) -> None:
        self.workers.kill_soon()

    def api_dies(self) -> None:
        self.workers.robots.die()

    # -- peace -------------------------------------------------------------

    def calm(self) -> None:
        """Everything outside works from now on; who is away stays away."""
        self.cloud.down, self.cloud.fates = set(), []
        self.cloud.over_allocate = None
        self.workers.calm = True

    def heal(self) -> None:
        """Operators put everything right."""
        self.agents.silent.clear()
        for name in self.world.trees:
            self.agents.boots(name)
        while self.cloud.strangers:
            self.stranger_goes()
        self.hosts_come_up()
        self.resume()
        self.agents.forgive()
