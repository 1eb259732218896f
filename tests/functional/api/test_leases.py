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


"""What a person needs next, once a lease is active."""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import Any

import testtools

from gpubroker import errors
from gpubroker.api import app
from gpubroker.api import console
from tests.fixtures import api as api_fixture
from tests.fixtures import cloud
from tests.fixtures import cloud_ports

URL = "https://console.example/?token=1"


class Consoles(cloud_ports.Identity):
    """Keystone in front of a Nova that has consoles, or is down."""

    def __init__(
        self,
        inside: cloud.Cloud,
        up: bool,
        answers: threading.Event | None,
    ) -> None:
        super().__init__(inside)
        self._up = up
        self._answers = answers

    def with_token(self, token: str, token_info: Any) -> Any:
        up, answers = self._up, self._answers

        class User(cloud_ports.UserCloud):
            def console_url(self, server_id: str) -> str | None:
                if not up:
                    raise errors.Unavailable("Nova: no answer")
                if answers is not None:
                    answers.wait(60)
                return f"{URL}&user={self.user}"

        return User(self._cloud, token)


class Active(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.api = self.useFixture(api_fixture.Api())
        workload = {"key_name": cloud.KEY}
        lease = self.api.world.order(workload=workload)
        self.api.world.settle(lease.id, "active")
        self.path = f"/v1/leases/{lease.id}"
        self.consoles(up=True)

    def consoles(
        self, up: bool, answers: threading.Event | None = None
    ) -> None:
        core = self.api.world.core
        self.api.application = app.build(
            self.api.conf,
            dataclasses.replace(
                core, identity=Consoles(self.api.world.cloud, up, answers)
            ),
            {},
        )

    def server(
        self,
        who: api_fixture.Persona = api_fixture.MEMBER,
        query: str = "?console=true",
    ) -> dict[str, Any]:
        answer = self.api.call("GET", f"{self.path}{query}", who=who)
        self.assertEqual(200, answer.status_int, answer.text)
        (seen,) = answer.json["servers"]
        found: dict[str, Any] = seen
        return found

    def test_how_to_log_in(self) -> None:
        seen = self.server()
        self.assertEqual(["10.0.0.5"], seen["addresses"])
        self.assertEqual(cloud.KEY, seen["key_name"])
        self.assertEqual("ssh ubuntu@10.0.0.5", seen["login"])
        lease = self.api.call("GET", self.path).json
        self.assertEqual("ubuntu", lease["workload"]["login_user"])

    def test_an_image_that_does_not_tell_leaves_the_user_open(self) -> None:
        self.api.world.cloud.login_user = None
        lease = self.api.world.order()
        self.api.world.settle(lease.id, "active")
        found = self.api.call("GET", f"/v1/leases/{lease.id}").json
        self.assertRegex(found["servers"][0]["login"], "^ssh <user>@10")
        self.assertNotIn("login_user", found["workload"])

    def test_the_console_with_the_callers_own_rights(self) -> None:
        self.assertEqual(f"{URL}&user=alice", self.server()["console_url"])
        reader = self.server(api_fixture.READER)
        self.assertEqual(f"{URL}&user=rita", reader["console_url"])

    def test_no_console_for_another_project(self) -> None:
        self.assertIsNone(self.server(api_fixture.ADMIN)["console_url"])

    def test_a_list_asks_for_no_consoles(self) -> None:
        (lease,) = self.api.call("GET", "/v1/leases").json["leases"]
        self.assertIsNone(lease["servers"][0]["console_url"])
        self.assertNotIn("progress", lease)

    def test_nova_is_asked_only_where_somebody_asks_for_consoles(self) -> None:
        for query in ("", "?console=false"):
            self.assertIsNone(self.server(query=query)["console_url"])
        renamed = self.api.call("PATCH", self.path, {"name": "other"})
        self.assertEqual(200, renamed.status_int, renamed.text)
        self.assertIsNone(renamed.json["servers"][0]["console_url"])

    def test_a_nova_that_hangs_takes_a_few_seconds_at_most(self) -> None:
        hanging = threading.Event()
        self.addCleanup(hanging.set)
        self.consoles(up=True, answers=hanging)
        begun = time.monotonic()
        self.assertIsNone(self.server()["console_url"])
        self.assertLess(time.monotonic() - begun, console.PATIENCE + 2)

    def test_a_nova_that_is_down_takes_only_the_console(self) -> None:
        self.consoles(up=False)
        self.assertIsNone(self.server()["console_url"])

    def test_steps_of_the_start(self) -> None:
        steps = self.api.call("GET", self.path).json["progress"]
        self.assertGreater(len(steps), 3)
        self.assertEqual({"done"}, {step["state"] for step in steps})
        self.assertEqual({0}, {step["node"] for step in steps})

    def test_what_people_measure_has_milliseconds(self) -> None:
        """A step of a start takes less than a second."""
        lease = self.api.call("GET", self.path).json
        events = self.api.call("GET", f"{self.path}/events").json["events"]
        for text in (
            *(lease[f"{name}_at"] for name in ("requested", "started")),
            *(step["begun_at"] for step in lease["progress"]),
            *(step["done_at"] for step in lease["progress"]),
            *(event["at"] for event in events),
        ):
            self.assertRegex(text, r"T\d\d:\d\d:\d\d\.\d{3}Z$")

    def test_when_it_is_over_nothing_leads_to_a_server(self) -> None:
        self.api.call("DELETE", self.path)
        lease_id = self.path.rpartition("/")[2]
        self.api.world.settle(lease_id, "ended")
        seen = self.server()
        self.assertEqual([], seen["addresses"])
        self.assertIsNone(seen["login"])
        self.assertIsNone(seen["console_url"])


class _Once(cloud_ports.Identity):
    """A Keystone that goes down when it was asked about a token once."""

    def __init__(self, inside: cloud.Cloud) -> None:
        super().__init__(inside)
        self.asked = 0

    def can_delegate(self, token_info: Any) -> bool:
        return False

    def with_token(self, token: str, token_info: Any) -> Any:
        self.asked += 1
        if self.asked > 1:
            raise errors.Unavailable("Keystone: no answer")
        return super().with_token(token, token_info)


class Orders(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.api = self.useFixture(api_fixture.Api())

    def order(self) -> Any:
        workload = {"type": "server", "image": cloud.IMAGE}
        body = {"name": "train", "flavor": "gpu.1", "workload": workload}
        return self.api.call("POST", "/v1/leases", body)

    def test_nothing_can_fail_once_the_lease_is_written(self) -> None:
        self.api.application = app.build(
            self.api.conf,
            dataclasses.replace(
                self.api.world.core, identity=_Once(self.api.world.cloud)
            ),
            {},
        )
        answer = self.order()
        self.assertEqual(202, answer.status_int, answer.text)
        self.assertEqual("caller", answer.json["identity_mode"])

    def test_a_token_that_was_revoked_since_it_was_looked_at(self) -> None:
        self.api.world.cloud.revoked = {api_fixture.MEMBER.token}
        answer = self.order()
        self.assertEqual(401, answer.status_int)
        (error,) = answer.json["errors"]
        self.assertEqual("gpubroker.unauthenticated", error["code"])
        self.assertEqual([], self.api.world.open())


class Held(testtools.TestCase):
    def test_it_has_no_place_and_says_what_it_waits_for(self) -> None:
        api = self.useFixture(api_fixture.Api())
        world = api.world
        held = world.order("held")
        world.cloud.rights = False
        world.run(
            lambda: (
                world.get(held.id).state == "queued"
                and world.get(held.id).rights_gone_at is not None
            )
        )
        behind = world.order("behind")
        for path in (f"/v1/leases/{held.id}", "/v1/leases?name=held"):
            seen = api.call("GET", path).json
            lease = seen["leases"][0] if "leases" in seen else seen
            self.assertEqual("queued", lease["state"])
            self.assertIsNone(lease["queue"]["place"])
            self.assertIn("Your rights", lease["queue"]["waiting_for"])
        seen = api.call("GET", f"/v1/leases/{behind.id}").json
        self.assertEqual(1, seen["queue"]["place"])


class Races(testtools.TestCase):
    """A worker writes the same lease all the time."""

    def test_who_names_no_generation_is_not_refused(self) -> None:
        api = self.useFixture(api_fixture.Api())
        lease = api.world.order()
        self.lost = 2
        store = api.world.core.store
        real = store.write

        def write() -> Any:
            if self.lost:
                self.lost -= 1
                raise errors.ConcurrentUpdate("Lease: it moved on.")
            return real()

        api.application = app.build(
            api.conf,
            dataclasses.replace(api.world.core, store=_Store(store, write)),
            {},
        )
        path = f"/v1/leases/{lease.id}"
        answer = api.call("PATCH", path, {"name": "other"})
        self.assertEqual(200, answer.status_int, answer.text)
        self.lost = 1
        answer = api.call("PATCH", path, {"name": "x", "generation": 2})
        self.assertEqual(409, answer.status_int)


class _Store:
    """The real store, whose writes a test can make fail."""

    def __init__(self, store: Any, write: Any) -> None:
        self.now = store.now
        self.read = store.read
        self.ping = store.ping
        self.write = write
