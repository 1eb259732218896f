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


"""The commands as people type them, each in a process of its own."""

from __future__ import annotations

import json
import os
import pathlib
import shlex
import subprocess
import sys
from typing import Any

from sandbox import tenants
from tests.cloud import base

OPENSTACK = pathlib.Path(sys.executable).with_name("openstack")
FLAVOR = "vm.gpu.l40s.1"
OTHER, ADMIN = "sandbox-other", "sandbox-admin"


class CommandLineTest(base.CloudTest):
    def setUp(self):
        super().setUp()
        self.name = f"cli-{os.getpid()}"

    def run_(self, command, who="sandbox"):
        """:param who: a name in clouds.yaml."""
        return subprocess.run(
            [str(OPENSTACK), *shlex.split(command)],
            env={
                **os.environ,
                "OS_CLIENT_CONFIG_FILE": str(
                    self.cloud.settings.layout.clouds
                ),
                "OS_CLOUD": who,
                "COLUMNS": "500",
            },
            capture_output=True,
            text=True,
            timeout=2 * base.PATIENCE,
            check=False,
        )

    def good(self, command: str, **more: Any) -> Any:
        done = self.run_(command, **more)
        self.assertEqual(0, done.returncode, f"{done.stdout}{done.stderr}")
        return done

    def bad(self, command: str, **more: Any) -> str:
        done = self.run_(command, **more)
        self.assertNotEqual(0, done.returncode, done.stdout)
        self.assertNotIn("Traceback", done.stderr)
        return str(done.stderr)

    def data(self, command: str, **more: Any) -> Any:
        return json.loads(self.good(f"{command} -f json", **more).stdout)

    def available(self) -> int:
        (offer,) = self.data(f"gpu offer list --flavor {FLAVOR}")
        return int(offer["Available Now"])

    def create(self, *more: str) -> Any:
        return self.data(
            f"gpu lease create --flavor {FLAVOR} --image {tenants.IMAGE} "
            f"--network demo-net --key-name {tenants.KEY_PAIR} --duration 1h "
            f"{' '.join(more)} {self.name}"
        )

    def test_a_member_orders_looks_extends_and_ends(self):
        flavors = self.data("gpu flavor list")
        self.assertIn(FLAVOR, {flavor["Name"] for flavor in flavors})
        before = self.available()
        made = self.create("--wait", "--property team=vision")
        self.assertEqual("active", made["state"])
        self.assertEqual(before - 1, self.available())
        listed = self.data("gpu lease list --state active")
        self.assertEqual([self.name], [lease["Name"] for lease in listed])
        shown = self.data(f"gpu lease show {self.name}")
        self.assertEqual(made["id"], shown["id"])
        server = self.member.compute.get_server(shown["servers"][0]["id"])
        self.assertEqual("ACTIVE", server.status)
        self.assertEqual({"team": "vision"}, server.metadata)
        self.good(f"gpu lease extend {self.name} --by 1h")
        extended = self.data(f"gpu lease show {self.name}")
        self.assertEqual(7200, extended["duration"])
        self.good(f"gpu lease delete --wait {self.name}")
        shown = self.data(f"gpu lease show {made['id']}")
        self.assertEqual("ended", shown["state"])
        events = self.data(f"gpu lease event list {made['id']} --long")
        kinds = [event["Kind"] for event in events]
        for kind in ("ordered", "starting", "active", "extended", "ended"):
            self.assertIn(f"lease.{kind}", kinds)
        for event in events:
            self.assertFalse(event["Detail"], event)

    def test_the_queue_tells_place_and_reason(self):
        for card in self.cards("gpu-l40s-1"):
            self.operator.fence_device(card, "a test")
            self.addCleanup(self.operator.unfence_device, card.id)
        made = self.create()
        waiting = self.eventually(
            "it is in the queue with a reason",
            lambda: [
                order
                for order in self.data("gpu queue list")
                if "held back" in str(order)
            ],
        )
        self.assertIn(self.name, str(waiting))
        self.good(f"gpu lease delete --wait {made['id']}")

    def test_another_project_sees_and_changes_nothing(self):
        made = self.create("--wait")
        self.assertEqual([], self.data("gpu lease list", who=OTHER))
        for command in (
            f"show {made['id']}",
            f"extend {made['id']} --by 1h",
            f"event list {made['id']}",
            f"delete {made['id']}",
        ):
            said = self.bad(f"gpu lease {command}", who=OTHER)
            self.assertIn("no lease", said)
        self.assertIn("Policy", self.bad("gpu host list", who=OTHER))
        self.assertEqual(
            "active", self.data(f"gpu lease show {made['id']}")["state"]
        )

    def test_an_operator_sees_cards_and_ends_it_for_the_project(self):
        made = self.create("--wait")
        (lease,) = self.data(
            "gpu lease list --all-projects --state active", who=ADMIN
        )
        self.assertEqual(self.name, lease["Name"])
        (card,) = self.data(f"gpu device list --lease {made['id']}", who=ADMIN)
        self.assertEqual("gpu-l40s-1", card["Host"])
        self.good(
            f"gpu lease delete --all-projects --wait {made['id']}", who=ADMIN
        )
        shown = self.data(f"gpu lease show {made['id']}")
        self.assertEqual("operator", shown["end_cause"])
        (ending,) = [
            event
            for event in self.data(f"gpu lease event list {made['id']} --long")
            if event["Kind"] == "lease.ending"
        ]
        self.assertEqual("operator", ending["By"])

    def test_an_operator_drains_a_host_and_resumes_it(self):
        self.addCleanup(self.operator.resume_host, "gpu-l40s-1")
        self.good(
            "gpu host drain gpu-l40s-1 --reason 'new firmware'", who=ADMIN
        )
        cards = self.cards("gpu-l40s-1")
        self.eventually(
            "Placement has every card closed",
            lambda: all(self.reserved(card) for card in cards),
        )
        self.assertEqual(0, self.available())
        self.good("gpu host resume gpu-l40s-1", who=ADMIN)
        self.every_card_free()
