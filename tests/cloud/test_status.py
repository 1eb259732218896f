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


"""gpubroker-status with the identity of others, and with another database."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import io
import json
import pathlib
import uuid
from collections.abc import Mapping
from typing import Any

import fixtures

from gpubroker.cmd import status
from gpubroker.domain import catalogue
from gpubroker.domain import failures
from gpubroker.domain import hosts
from gpubroker.services.checks.mistakes import Mistake
from sandbox import identity
from sandbox.config import gpubroker as config
from sandbox.config import settings as s
from tests.cloud import base
from tests.fixtures import database
from tests.functional.db import samples

OK, WARNING, FAILURE = 0, 1, 2
HOST = "gpu-l40s-1"
ROLES = "Roles of the broker's user"

(L40S,) = (m for m in catalogue.MODELS if m.name == "l40s-48gb")


class StatusTest(base.CloudTest):
    def setUp(self) -> None:
        super().setUp()
        self._wait_for_the_computes()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def _wait_for_the_computes(self) -> None:
        """Nova's services may have been started a moment ago, and the broker
        not have looked since."""
        self.eventually(
            "computes are up",
            lambda: all(
                h.compute_state == "up" for h in self.operator.hosts()
            ),
        )

    def run_check(
        self, sections: Mapping[str, Mapping[str, s.Value]] | None = None
    ) -> tuple[int, dict[str, tuple[int, str]]]:
        """The exit status, and title -> (level, detail).

        :param sections: what is set otherwise than in the sandbox.
        """
        other = self.folder / "other.conf"
        other.write_text(s.ini(sections or {}))
        main = config.main_file(self.cloud.settings)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = status.main(
                [
                    f"--config-file={main}",
                    f"--config-file={other}",
                    "upgrade",
                    "check",
                    "--json",
                ]
            )
        return code, {
            one["check"]: (one["result"], one["details"] or "")
            for one in json.loads(out.getvalue())["checks"]
        }

    def as_user(self, name: str) -> tuple[int, dict[str, tuple[int, str]]]:
        """With the identity of another user of the sandbox."""
        credentials = self.cloud.settings.credentials(name)
        project, _roles = identity.USERS[name]
        return self.run_check(
            {"service_user": {**credentials, "project_name": project}}
        )

    def assertTold(
        self,
        row: tuple[int, str],
        level: int,
        mistake: Mistake,
        words: str = "",
    ) -> None:
        self.assertEqual(level, row[0], row)
        self.assertIn(f"{mistake}: ", row[1])
        self.assertIn(words, row[1])

    def test_a_user_without_the_roles(self) -> None:
        code, found = self.as_user("demo-user")
        self.assertEqual(FAILURE, code)
        for title, mistake, words in (
            (ROLES, Mistake.ROLE_MISSING, "lacks gpubroker, service"),
            ("Placement", Mistake.PLACEMENT_READ_ONLY, "role service"),
            ("Nova", Mistake.NOVA_NO_ADMIN, "context_is_admin"),
        ):
            self.assertTold(found[title], FAILURE, mistake, words)

    def test_the_role_service_alone_opens_placement_and_not_nova(self) -> None:
        _code, found = self.as_user("placement")
        self.assertEqual(OK, found["Placement"][0], found)
        self.assertEqual(OK, found["GPUs in Placement"][0], found)
        self.assertEqual(FAILURE, found["Nova"][0], found)

    def test_an_admin_is_refused_although_everything_works(self) -> None:
        # An agent may be late on a busy machine.
        found = self.settled(
            lambda: self.as_user("operator")[1],
            lambda found: _wrong(found) == {ROLES},
        )
        self.assertEqual({ROLES}, _wrong(found), found)
        self.assertTold(found[ROLES], FAILURE, Mistake.ROLE_ADMIN)

    def test_a_role_that_it_never_uses(self) -> None:
        admin = self.cloud.connection("sandbox-admin")
        self.addCleanup(admin.close)
        keystone = admin.identity
        grant = (
            keystone.find_project("service"),
            keystone.find_user("gpubroker"),
            keystone.find_role("member"),
        )
        keystone.assign_project_role_to_user(*grant)
        self.addCleanup(keystone.unassign_project_role_from_user, *grant)
        _code, found = self.run_check()
        self.assertTold(
            found[ROLES], WARNING, Mistake.ROLE_SPARE, "also has member"
        )

    def test_a_wrong_password(self) -> None:
        code, found = self.run_check({"service_user": {"password": "wrong"}})
        self.assertEqual(FAILURE, code)
        self.assertTold(
            found[ROLES],
            FAILURE,
            Mistake.IDENTITY_REFUSED,
            "Keystone refuses the broker's own identity",
        )

    def test_a_region_without_services(self) -> None:
        _code, found = self.run_check(
            {"service_user": {"region_name": "Nowhere"}}
        )
        row = found["Service catalogue"]
        self.assertTold(row, FAILURE, Mistake.SERVICE_MISSING, "image (Glan")
        self.assertTold(
            row, FAILURE, Mistake.ENDPOINT_MISSING, "endpoint create"
        )

    def test_another_database(self) -> None:
        """It has other numbers for the slots, another name, and hosts and
        models that this cloud does not have."""
        # With the first lease of a host the installation's name comes there.
        self.end(self.active("vm.gpu.l40s.1"))
        mirror = self.useFixture(database.Database())
        self.fill(mirror)
        _code, found = self.run_check({"database": {"connection": mirror.url}})
        for title, level, mistake, words in (
            ("Database", WARNING, Mistake.DATABASE_SQLITE, ""),
            (
                "Installation",
                WARNING,
                Mistake.INSTALLATION_STRANGE,
                f"_{HOST} in Placement is another one's",
            ),
            ("Slots", FAILURE, Mistake.SLOT_OTHER, "0 where the broker has 3"),
            ("Cards", FAILURE, Mistake.CLASS_WRONG, "model has CUSTOM_OTHER"),
            ("Starts", WARNING, Mistake.STARTS_FAIL, '"No valid host'),
            (
                "GPUs in Placement",
                FAILURE,
                Mistake.HOST_WITHOUT_CARDS,
                "gpu-old-1 has no PCI device",
            ),
            ("Computes", FAILURE, Mistake.COMPUTE_GONE, "on gpu-old-1."),
            ("Workers", WARNING, Mistake.WORKERS_NONE, ""),
            ("Agents", WARNING, Mistake.AGENT_NONE, "for gpu-old-1,"),
            ("Agents", WARNING, Mistake.AGENT_UNHEARD, f"of {HOST} is"),
            ("Agents", WARNING, Mistake.AGENT_VERSION, "of gpu-a100-1 is"),
        ):
            self.assertTold(found[title], level, mistake, words)

    def fill(self, mirror: database.Database) -> None:
        root, cards = self.providers()
        now = datetime.datetime.now(datetime.UTC)
        with mirror.store.write() as tx:
            tx.models.add(
                dataclasses.replace(L40S, resource_class="CUSTOM_OTHER")
            )
            tx.hosts.add(_host(HOST, provider_id=root, agent_user_id="u1"))
            tx.hosts.add(_host("gpu-old-1", provider_id=str(uuid.uuid4())))
            tx.hosts.add(
                _host(
                    "gpu-a100-1",
                    agent_user_id="u2",
                    heartbeat_at=now,
                    agent_version="0.0.0",
                )
            )
            tx.hosts.give_slots(
                HOST, {a: n for n, a in enumerate(reversed(sorted(cards)))}
            )
            for address, provider in cards.items():
                tx.devices.add(
                    samples.device(
                        host=HOST,
                        pci_address=address,
                        serial=address,
                        uuid=None,
                        model=L40S.name,
                        provider_id=provider,
                        resource_class=L40S.resource_class,
                        fences=(),
                    )
                )
        self.fail_starts(mirror, now)

    def fail_starts(
        self, mirror: database.Database, now: datetime.datetime
    ) -> None:
        with mirror.store.write() as tx:
            for project in ("p", "q"):
                tx.failures.note(
                    failures.Failure(
                        host=HOST,
                        lease_id=str(uuid.uuid4()),
                        project_id=project,
                        at=now,
                        until=now,
                        message="No valid host was found.",
                    ),
                    now,
                )

    def providers(self) -> tuple[str, dict[str, str]]:
        """The root of the host, and of each card: address -> provider."""

        def listed(query: str) -> list[dict[str, Any]]:
            answer = self.admin.placement.get(
                f"/resource_providers?{query}", microversion="1.39"
            )
            found: list[dict[str, Any]] = answer.json()["resource_providers"]
            return found

        (root,) = listed(f"name={HOST}")
        return root["uuid"], {
            one["name"].rpartition("_")[2].lower(): one["uuid"]
            for one in listed(f"in_tree={root['uuid']}")
            if "_0000:" in one["name"]
        }


def _wrong(found: Mapping[str, tuple[int, str]]) -> set[str]:
    """The titles of what is no success."""
    return {title for title, (level, _detail) in found.items() if level}


def _host(name: str, **more: Any) -> hosts.Host:
    return hosts.Host(
        name=name,
        hypervisor_hostname=name,
        pool="default",
        mode=hosts.Mode.MANAGE,
        **more,
    )
