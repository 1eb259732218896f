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


"""What a gabbi file stands on: a world of its own, made when it starts."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from gabbi import fixture

from tests.fixtures import api as api_fixture

#: gabbi asks for the application before any fixture has started.
_NOW: dict[str, api_fixture.Api] = {}


def application() -> Callable[..., Any]:
    def call(environ: dict[str, Any], start_response: Any) -> Any:
        return _NOW["api"].application(environ, start_response)

    return call


class World(fixture.GabbiFixture):  # type: ignore[misc]
    """Host gpu-1 with eight A100, three flavors, nothing ordered.

    ``$ENVIRON['DEVICE']`` is the card in slot 0.
    """

    def start_fixture(self) -> None:
        self.api = api_fixture.Api()
        self.api.setUp()
        _NOW["api"] = self.api
        with self.api.world.store.read() as tx:
            (card,) = (d for d in tx.devices.of_host("gpu-1") if d.slot == 0)
        os.environ["DEVICE"] = card.id
        os.environ["LONG"] = "x" * 256

    def stop_fixture(self) -> None:
        _NOW.pop("api", None)
        self.api.cleanUp()


class ActiveLease(World):
    """The same with a lease of two cards that runs: ``LEASE``, and one that
    waits for eight: ``WAITING``."""

    def start_fixture(self) -> None:
        super().start_fixture()
        world = self.api.world
        lease = world.order("train", duration=3600)
        world.settle(lease.id, "active")
        os.environ["LEASE"] = lease.id
        os.environ["WAITING"] = world.order("big", flavor="gpu.8").id
        world.turn()
