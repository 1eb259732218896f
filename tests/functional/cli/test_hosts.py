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

"""Hosts, devices, fences and agents from the command line."""

from __future__ import annotations

import configparser
import stat

from gpubroker.client.sdk import host as sdk_host
from gpubroker.services import reconcile
from tests.fixtures import api as test_api
from tests.functional.cli import base
from tests.functional.cli import emulated

ADMIN = test_api.ADMIN
CARD = "gpu-1/07:00.0"


class Hosts(base.TestCase):
    def test_from_making_one_known_to_forgetting_it(self):
        made = self.data(
            "gpu host create gpu-7 --hypervisor-hostname gpu-7.example",
            who=ADMIN,
        )
        self.assertEqual("observe", made["mode"])
        self.good("gpu host set gpu-7 --mode manage", who=ADMIN)
        rows = self.data("gpu host list --mode manage --long", who=ADMIN)
        self.assertEqual(
            [("gpu-1", "gpu-1"), ("gpu-7", "gpu-7.example")],
            [(row["Name"], row["Hypervisor"]) for row in rows],
        )
        said = self.bad("gpu host delete gpu-7 gpu-1", who=ADMIN)
        self.assertIn("gpu-1: Placement shows cards of host gpu-1", said)
        self.assertEqual(1, len(self.data("gpu host list", who=ADMIN)))

    def test_a_host_in_words(self):
        shown = self.good("gpu host show gpu-1", who=ADMIN).out
        self.assertIn("8, 8 schedulable", shown)
        self.assertIn("VCPU: ", shown)

    def test_traits_with_their_source(self):
        reconcile.reconcile_host(self.world.core, "gpu-1")
        (row,) = self.data(
            f"gpu trait list --device {CARD} "
            f"--trait COMPUTE_MANAGED_PCI_DEVICE",
            who=ADMIN,
        )
        self.assertEqual(("gpu-1", "placement"), (row["Host"], row["Source"]))


class Devices(base.TestCase):
    def fences(self):
        return self.data(f"gpu device show {CARD}", who=ADMIN)["fences"]

    def test_a_fence_and_its_end(self):
        done = self.run_words(
            ["gpu", "device", "fence", CARD, "--reason", "fan noise"], ADMIN
        )
        self.assertEqual(0, done.status, done.err)
        (fence,) = self.fences()
        self.assertEqual(
            ("operator", "fan noise", "ada"),
            (fence["reason"], fence["detail"], fence["by"]),
        )
        (row,) = self.data("gpu device list --fence any", who=ADMIN)
        self.assertEqual("0000:07:00.0", row["PCI Address"])
        self.good(
            f"gpu device unfence {CARD} --detail fan-replaced", who=ADMIN
        )
        self.assertEqual([], self.fences())
        events = self.data(f"gpu device event list {CARD}", who=ADMIN)
        self.assertEqual(
            ["device.fenced", "device.unfenced"],
            [row["Kind"] for row in events],
        )
        self.assertEqual(
            "The fence operator was lifted: fan-replaced",
            events[-1]["Message"],
        )

    def test_all_of_a_host(self):
        self.good("gpu device fence --host gpu-1 --reason row7", who=ADMIN)
        fenced = "gpu device list --host gpu-1 --fence operator"
        self.assertEqual(8, len(self.data(fenced, who=ADMIN)))
        self.good("gpu device unfence --host gpu-1", who=ADMIN)
        self.assertEqual(0, len(self.data(fenced, who=ADMIN)))

    def test_what_can_not_be_done_is_said(self):
        for command, words in (
            (f"unfence {CARD}", "has no fence to lift by hand (none)"),
            ("fence --reason x", "Name GPUs, or a host by --host."),
            (f"fence {CARD} --host gpu-1 --reason x", "Name GPUs, or"),
            ("fence gpu-1/00:00.0 --reason x", "There is no device"),
            ("fence --host nope --reason x", "no host nope"),
            (f"fence {CARD}", "--reason"),
            ("show nope", "There is no device 'nope'"),
            ("list --health NICE", "'NICE' is not one of"),
        ):
            self.assertIn(
                words, self.bad(f"gpu device {command}", who=ADMIN), command
            )

    def test_a_lease_is_found_by_its_devices(self):
        lease = self.data(
            "gpu lease create --flavor gpu.2 --image ubuntu train"
        )
        self.world.settle(lease["id"], "active")
        rows = self.data(f"gpu device list --lease {lease['id']}", who=ADMIN)
        self.assertEqual([0, 1], [row["Slot"] for row in rows])
        self.assertEqual(lease["id"], rows[0]["Use"]["lease_id"])

    def test_users_see_none(self):
        for verb in ("list", f"show {CARD}"):
            self.assertIn("Policy", self.bad(f"gpu device {verb}"))


class Rendering(base.TestCase):
    def test_both_files_are_told_apart(self):
        both = self.good("gpu config render --host gpu-1", who=ADMIN).out
        self.assertIn("# ----- nova-gpubroker.conf -----\n", both)
        self.assertIn("# ----- provider-gpubroker.yaml -----\n", both)

    def test_one_alone_is_only_that(self):
        yaml = self.good(
            "gpu config render --host gpu-1 --provider-yaml", who=ADMIN
        ).out
        self.assertTrue(yaml.startswith("meta:"), yaml)
        conf = self.good(
            "gpu config render --host gpu-1 --nova-conf", who=ADMIN
        ).out
        self.assertIn("[pci]", conf)
        self.assertNotIn("meta:", conf)

    def test_files_go_to_a_folder(self):
        folder = self.folder / "new" / "gpu-1"
        self.good(
            f"gpu config render --host gpu-1 --output-dir {folder}",
            who=ADMIN,
        )
        self.assertEqual(
            ["nova-gpubroker.conf", "provider-gpubroker.yaml"],
            sorted(path.name for path in folder.iterdir()),
        )

    def test_a_folder_that_can_not_be_is_named(self):
        (self.folder / "file").write_text("")
        said = self.bad(
            f"gpu config render --host gpu-1 --output-dir {self.folder}/file",
            who=ADMIN,
        )
        self.assertIn("can not be written", said)


class Draining(base.TestCase):
    def test_a_host_is_drained_and_resumed(self):
        self.good("gpu host drain gpu-1 --reason firmware", who=ADMIN)
        drain = self.data("gpu host show gpu-1", who=ADMIN)["drain"]
        self.assertEqual(
            ("firmware", ADMIN.user_id), (drain["detail"], drain["by"])
        )
        shown = self.good("gpu host list", who=ADMIN).out
        self.assertIn("drained since", shown)
        cards = self.data("gpu device list --fence drain", who=ADMIN)
        self.assertEqual(8, len(cards))
        said = self.bad(
            "gpu device unfence --reason drain --host gpu-1", who=ADMIN
        )
        self.assertIn("invalid choice", said)
        self.good("gpu host resume gpu-1", who=ADMIN)
        self.assertIsNone(self.data("gpu host show gpu-1", who=ADMIN)["drain"])
        self.assertEqual(
            [], self.data("gpu device list --fence any", who=ADMIN)
        )

    def test_only_operators_drain(self):
        self.assertIn("Policy", self.bad("gpu host drain gpu-1"))


class Enrolment(base.TestCase):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "agent.conf"

    def enroll(self, more=""):
        return self.good(
            f"gpu host enroll gpu-1 --output {self.path} {more}", who=ADMIN
        ).err

    def written(self):
        parser = configparser.ConfigParser()
        parser.read(self.path)
        return parser

    @property
    def credentials(self):
        return self.clouds.state.credentials

    def test_the_agent_gets_a_credential_that_the_service_takes(self):
        self.enroll()
        self.assertEqual(0o600, stat.S_IMODE(self.path.stat().st_mode))
        written = self.written()
        self.assertEqual("gpu-1", written["agent"]["host"])
        auth = written["agent_auth"]
        made = self.credentials[auth["application_credential_id"]]
        self.assertEqual(made.secret, auth["application_credential_secret"])
        self.assertEqual(["gpubroker_agent"], made.roles)
        agent = self.data("gpu host show gpu-1", who=ADMIN)["agent"]
        self.assertEqual(made.user_id, agent["user_id"])
        self.assertEqual(
            "gpubroker-agent-gpu-1",
            self.clouds.state.users[made.user_id]["name"],
        )
        report = {"agent": {"version": "1"}, "devices": []}
        sent = self.api.call(
            "PUT",
            "/v1/hosts/gpu-1/report",
            report,
            test_api.Persona(made.user_id, "service", "gpubroker_agent"),
        )
        self.assertNotEqual(403, sent.status_int, sent.text)

    def test_again_replaces_the_credential(self):
        self.enroll()
        first = self.written()["agent_auth"]["application_credential_id"]
        self.assertIn("1 former credential", self.enroll("--mode observe"))
        second = self.written()["agent_auth"]["application_credential_id"]
        self.assertEqual([second], list(self.credentials))
        self.assertNotEqual(first, second)
        shown = self.data("gpu host show gpu-1", who=ADMIN)
        self.assertEqual("observe", shown["mode"])

    def test_who_writes_the_host_meanwhile_is_no_obstacle(self):
        found = []
        find = sdk_host.Calls.find_host

        def slowly(proxy, name, **more):
            found.append(find(proxy, name, **more))
            if len(found) == 1:
                for mode in ("observe", "manage"):
                    body = {"mode": mode}
                    self.api.call("PATCH", "/v1/hosts/gpu-1", body, ADMIN)
            return found[-1]

        self.patch(sdk_host.Calls, "find_host", slowly)
        self.enroll("--mode observe")
        shown = self.data("gpu host show gpu-1", who=ADMIN)
        self.assertEqual("observe", shown["mode"])

    def test_without_a_file_it_is_the_output_and_nothing_else(self):
        done = self.good("gpu host enroll gpu-8 --mode manage", who=ADMIN)
        parser = configparser.ConfigParser()
        parser.read_string(done.out)
        self.assertEqual("gpu-8", parser["agent"]["host"])
        self.assertEqual("Host gpu-8 is enrolled.\n", done.err)

    def test_a_failure_on_the_way_leaves_the_agent_what_it_had(self):
        self.enroll()
        before = self.path.read_text()
        kept = dict(self.credentials)
        self.clouds.state.interfaces = ("public",)
        said = self.bad(
            f"gpu host enroll gpu-1 --output {self.path}", who=ADMIN
        )
        self.assertIn("does not work", said)
        self.assertEqual(before, self.path.read_text())
        self.assertEqual(kept, self.credentials)

    def test_a_file_that_can_not_be_written_leaves_no_credential(self):
        self.path.mkdir()
        said = self.bad(
            f"gpu host enroll gpu-1 --output {self.path}", who=ADMIN
        )
        self.assertIn("can not be written", said)
        self.assertEqual({}, self.credentials)

    def test_what_is_missing_is_named_before_anything_is_made(self):
        for option, words in (
            ("--role nope", "there is no role 'nope' in Keystone"),
            ("--service-project nope", "there is no project 'nope'"),
            ("--output /no/such/file", "There is no folder /no/such."),
        ):
            self.assertIn(
                words,
                self.bad(f"gpu host enroll gpu-1 {option}", who=ADMIN),
            )
        self.assertEqual({}, self.credentials)

    def test_a_user_that_was_disabled_stays_so(self):
        self.enroll()
        (made,) = self.credentials.values()
        self.clouds.state.users[made.user_id]["enabled"] = False
        said = self.bad("gpu host enroll gpu-1", who=ADMIN)
        self.assertIn("it is disabled", said)

    def test_only_operators_enroll(self):
        self.assertIn("Policy", self.bad("gpu host enroll gpu-1"))
        self.assertEqual({}, self.credentials)


class Reaching(base.TestCase):
    def test_a_cloud_without_the_service(self):
        del self.clouds.state.services["gpu-broker"]
        self.assertIn(
            "This cloud has no gpu-broker service in its catalogue (region "
            "RegionOne, interface public).",
            self.bad("gpu offer list"),
        )

    def test_an_address_where_something_else_answers(self):
        self.clouds.state.services["gpu-broker"] = emulated.GLANCE + "/v2"
        said = self.bad("gpu offer list")
        self.assertIn("The gpu-broker service at http://glance.test", said)
        self.assertIn("does not answer, or something else", said)

    def test_a_version_that_is_not_offered(self):
        said = self.bad("--os-gpubroker-api-version 1.99 gpu offer list")
        self.assertIn("1.99", said)
