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

"""Programs that order with tokens which can hand on no rights.

What they order is made with the token itself, by the API process that took the
order, and is lost with it; or, in one project, by the broker's own user.
"""

from __future__ import annotations

from gpubroker import errors
from gpubroker.domain import leases
from gpubroker.services import broker
from gpubroker.services import caller
from tests.fixtures import world

#: How their tokens were got.
METHODS = ("application_credential",)
#: In which the broker's own user makes what has to wait.
MEMBER_OF = "weather"


class Robots:
    """The process that has their tokens; ``orders`` in it."""

    def __init__(self, found: world.World) -> None:
        self._world = found
        self._tokens: dict[str, str] = {}
        self._due: dict[str, float] = {}
        found.cloud.member_of.add(MEMBER_OF)

    def take(self, lease: leases.Lease) -> None:
        """Where it is made with the token of the order."""
        if lease.identity_mode is leases.IdentityMode.CALLER:
            token = f"{lease.user_id}@{lease.project_id}"
            self._tokens[lease.id] = token

    def die(self) -> None:
        """With all that it knew."""
        self._tokens.clear()

    def turn(self, core: broker.Broker) -> float:
        """:returns: seconds until the next one is wanted."""
        now = self._world.clock.monotonic()
        for lease_id in [*self._tokens]:
            if self._due.get(lease_id, now) <= now:
                self._due[lease_id] = now + self._drive(core, lease_id)
        self._due = {
            lease_id: self._due[lease_id] for lease_id in self._tokens
        }
        return min(self._due.values(), default=now + 3600.0) - now

    def _drive(self, core: broker.Broker, lease_id: str) -> float:
        info = {"methods": METHODS}
        try:
            token = self._tokens[lease_id]
            cloud = core.identity.with_token(token, info)
            wait = caller.drive(core, lease_id, cloud)
        except errors.OutsideError:
            return 1.0
        if wait is None:
            del self._tokens[lease_id]
            return 0.0
        return wait
