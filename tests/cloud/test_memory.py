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

"""The database of the real broker restored from a backup, and lost, while
servers run."""

from __future__ import annotations

import re
import subprocess

import sqlalchemy as sa

from gpubroker.audit import findings
from sandbox import layout as layouts
from sandbox.config import gpubroker as config
from tests.cloud import base

_MARK = re.compile(r"CUSTOM_GPUBROKERMARK_.+_(\d+)$")
SERVICES = ("gpubroker-api", "gpubroker-worker")


class Memory(base.CloudTest):
    def setUp(self) -> None:
        super().setUp()
        self.url = sa.make_url(self.cloud.settings.database("gpubroker"))

    def test_yesterdays_database_is_noticed_and_mended(self):
        old = self.active(duration=3600)
        backup = self.backup()
        new = self.active("vm.gpu.l40s.1")
        servers = self.all_servers()
        counted = self.counted()
        self.eventually("counted on", lambda: self.counted() > counted)
        self.stop()
        self.restore(backup)
        self.start()
        self.eventually("noticed", lambda: "restored from" in self.told())
        self.assertEqual(servers, self.all_servers())
        shown = self.manage("recover")
        self.assertIn(f"would add: Lease {new.name} ({new.id})", shown)
        self.assertIn("only told", shown)
        self.assertEqual(servers, self.all_servers())
        self.manage("recover", "--apply")
        self.eventually(
            "known again",
            lambda: self.operator.get_lease(new.id).state == "active",
        )
        self.assertEqual(servers, self.all_servers())
        self.assertEqual(
            new.servers[0]["id"], self.gpus.get_lease(new.id).servers[0]["id"]
        )
        self.eventually("nothing to be found", self.clean)
        self.looked_at()
        self.end(new)
        self.end(old)

    def test_a_lost_database_is_read_again_from_nova_and_placement(self):
        backup = self.backup()
        lease = self.active()
        servers = self.all_servers()
        self.stop()
        self.make_anew()
        shown = self.manage("recover")
        self.assertIn(f"would add: Lease {lease.name} ({lease.id})", shown)
        self.assertIn("was in mode manage once", shown)
        (name,) = re.findall(r"--installation (\S+)", shown)
        self.manage("recover", "--apply", "--installation", name)
        self.start()
        found = self.gpus.get_lease(lease.id)
        self.assertEqual(
            ("active", lease.flavor, lease.project_id, lease.user_id),
            (found.state, found.flavor, found.project_id, found.user_id),
        )
        self.assertEqual(servers, self.all_servers())
        cards = list(self.operator.devices(lease_id=lease.id))
        self.assertEqual(2, len(cards))
        self.end(lease)
        self.assertEqual([1, 1], [self.reserved(card) for card in cards])
        # As an operator who knows that nothing else was with them.
        for card in cards:
            self.write_reserved(card, 0)
        self.stop()
        self.restore(backup)
        self.manage("recover", "--apply")
        self.start()
        self.every_card_free()

    # -- the broker's database ---------------------------------------------

    def client(self, program: str, *args: str, given: bytes = b"") -> bytes:
        """A program of MariaDB's, on the broker's database."""
        login = [
            f"--host={self.url.host}",
            f"--port={self.url.port}",
            f"--user={self.url.username}",
            f"--password={self.url.password}",
        ]
        done = subprocess.run(
            [program, *login, *args],
            input=given,
            capture_output=True,
            check=True,
        )
        return done.stdout

    def backup(self) -> bytes:
        return self.client(
            "mariadb-dump", "--single-transaction", str(self.url.database)
        )

    def restore(self, backup: bytes) -> None:
        self.client("mariadb", str(self.url.database), given=backup)

    def make_anew(self) -> None:
        name = self.url.database
        self.client(
            "mariadb",
            "-e",
            f"DROP DATABASE {name}; "
            f"CREATE DATABASE {name} CHARACTER SET utf8mb4",
        )
        self.manage("db", "upgrade")

    def manage(self, *args: str) -> str:
        done = subprocess.run(
            [
                layouts.broker_program("gpubroker-manage"),
                "--config-file",
                str(config.main_file(self.cloud.settings)),
                *args,
            ],
            capture_output=True,
            text=True,
        )
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    # -- the broker ---------------------------------------------------------

    def stop(self) -> None:
        for name in SERVICES:
            self.cloud.stop(name)

    def start(self) -> None:
        for name in SERVICES:
            self.cloud.start(name)

    def told(self) -> str:
        log = self.cloud.layout.log_of("gpubroker-worker")
        return log.read_text(errors="replace")[-1_000_000:]

    def counted(self) -> int:
        """How far Placement says that the broker has counted."""
        classes = self.placement("/resource_classes")["resource_classes"]
        found = [
            int(match[1])
            for one in classes
            if (match := _MARK.match(one["name"]))
        ]
        return max(found, default=0)

    def all_servers(self) -> dict[str, str]:
        return {
            server.id: server.status
            for server in self.admin.compute.servers(all_projects=True)
        }

    def clean(self) -> bool:
        found = base.audit(self.cloud).found
        return all(f.severity is findings.Severity.NOTE for f in found)

    def looked_at(self) -> None:
        """As an operator who has looked at the cards that are in doubt."""
        for card in self.operator.devices(fence="operator"):
            self.operator.unfence_device(card.id)
