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

"""Offers, flavors, models and pools from the command line."""

from __future__ import annotations

from tests.fixtures import api as test_api
from tests.functional.cli import base

ADMIN = test_api.ADMIN


class Offers(base.TestCase):
    def test_every_flavor_with_what_could_start_now(self):
        rows = self.data("gpu offer list", who=test_api.READER)
        self.assertEqual(
            [("gpu.1", 8), ("gpu.2", 4), ("gpu.8", 1)],
            [(row["Flavor"], row["Available Now"]) for row in rows],
        )

    def test_what_keeps_the_others_back(self):
        lease = self.data(
            "gpu lease create --flavor gpu.2 --image ubuntu train"
        )
        self.world.settle(lease["id"], "active")
        (row,) = self.data("gpu offer list --flavor gpu.8")
        self.assertEqual(0, row["Available Now"])
        self.assertEqual(
            ["in_use", "fragmented"],
            [why["reason"] for why in row["Why Not More"]],
        )
        table = self.good("gpu offer list --flavor gpu.8").out
        self.assertIn("2 cards are in use", table)

    def test_a_model_or_a_family_and_a_number(self):
        for model in ("a100", "a100-sxm4-80gb"):
            (row,) = self.data(f"gpu offer list --model {model} --gpus 2")
            self.assertEqual(4, row["Available Now"])
            self.assertEqual(["a100-sxm4-80gb"], row["GPU"])
        (row,) = self.data("gpu offer list --model a100")
        self.assertEqual((1, 8), (row["Count"], row["Available Now"]))

    def test_hosts_are_for_operators(self):
        command = "gpu offer list --flavor gpu.1 --long"
        (row,) = self.data(command, who=ADMIN)
        self.assertEqual("gpu-1", row["Hosts"][0]["host"])
        (row,) = self.data(command)
        self.assertEqual([], row["Hosts"])

    def test_what_there_is_no_answer_to(self):
        for options, words in (
            ("--flavor nope", "no flavor nope"),
            ("--model nope --gpus 1", "nope"),
            ("--gpus 2", "--gpus goes with --model."),
            ("--model a100 --gpus 0", "0 is less than 1"),
            ("--model a100 --flavor gpu.1", "not allowed with"),
        ):
            self.assertIn(words, self.bad(f"gpu offer list {options}"))


class Flavors(base.TestCase):
    CREATE = (
        "gpu flavor create --model a100-sxm4-80gb --gpus 4 --vcpus 8 "
        "--ram 1024 --disk 10"
    )

    def test_from_making_one_to_deleting_it(self):
        made = self.data(
            f"{self.CREATE} --property hw:cpu_policy=dedicated "
            f"--trait CUSTOM_X --topology require --description four vm.x",
            who=ADMIN,
        )
        self.assertEqual(["CUSTOM_X"], made["traits"])
        self.assertEqual({"hw:cpu_policy": "dedicated"}, made["extra_specs"])
        self.good(
            "gpu flavor set vm.x --name vm.y --gpus 8 --no-trait "
            "--property hw:mem_page_size=1GB",
            who=ADMIN,
        )
        shown = self.data(f"gpu flavor show {made['id']}")
        self.assertEqual(
            ("vm.y", 8, [], "require"),
            tuple(
                shown[key] for key in ("name", "gpus", "traits", "topology")
            ),
        )
        self.assertEqual(
            {"hw:cpu_policy": "dedicated", "hw:mem_page_size": "1GB"},
            shown["extra_specs"],
        )
        self.good("gpu flavor set vm.y --no-property", who=ADMIN)
        self.assertEqual({}, self.data("gpu flavor show vm.y")["extra_specs"])
        self.good("gpu flavor delete vm.y", who=ADMIN)
        self.assertIn("vm.y", self.bad("gpu flavor show vm.y"))

    def test_a_list_by_model(self):
        rows = self.data("gpu flavor list --model a100-sxm4-80gb --limit 2")
        self.assertEqual(["gpu.1", "gpu.2"], [row["Name"] for row in rows])
        rows = self.data("gpu flavor list --marker gpu.2")
        self.assertEqual(["gpu.8"], [row["Name"] for row in rows])

    def test_users_may_not(self):
        for command in (
            f"{self.CREATE} vm.x",
            "gpu flavor set gpu.1 --gpus 2",
            "gpu flavor delete gpu.1",
        ):
            self.assertIn("Policy gpubroker:flavor:", self.bad(command))

    def test_a_change_of_nothing_is_pointed_out(self):
        for noun, key in (
            ("flavor", "gpu.1"),
            ("model", "a100-sxm4-80gb"),
            ("pool", "default"),
            ("host", "gpu-1"),
        ):
            self.assertIn(
                "Nothing to change",
                self.bad(f"gpu {noun} set {key}", who=ADMIN),
            )


class Models(base.TestCase):
    def test_from_making_one_to_deleting_it(self):
        made = self.data(
            "gpu model create --family mi300x --vendor AMD --vendor-id 1002 "
            "--product-id 74a1 --memory 196608 --board-slots 4 --block 0,1 "
            "--block 2,3 --device-type type-PF mi300x-oam-192gb",
            who=ADMIN,
        )
        self.assertEqual("type-PF", made["device_type"])
        self.assertEqual([[0, 1], [2, 3]], made["blocks"])
        self.assertIs(False, made["builtin"])
        self.good("gpu model set mi300x-oam-192gb --memory 1000", who=ADMIN)
        (row,) = self.data("gpu model list --vendor AMD --family mi300x")
        self.assertEqual(1000, row["Memory MiB"])
        self.assertEqual(["1002:74a1"], row["PCI IDs"])
        said = self.bad(
            "gpu model delete mi300x-oam-192gb a100-sxm4-80gb", who=ADMIN
        )
        self.assertIn("a100-sxm4-80gb is in use", said)
        self.assertIn("1 of 2 models failed.", said)
        self.bad("gpu model show mi300x-oam-192gb")

    def test_what_came_with_the_service(self):
        found = self.data("gpu model show a100-sxm4-80gb")
        self.assertIs(True, found["builtin"])
        self.assertEqual(81920, found["memory_mib"])


class Pools(base.TestCase):
    def test_from_making_one_to_deleting_it(self):
        self.good(
            "gpu pool create --project demo --admission automatic research",
            who=ADMIN,
        )
        self.good("gpu pool set research --project other", who=ADMIN)
        shown = self.data("gpu pool show research", who=ADMIN)
        self.assertEqual(["demo", "other"], shown["projects"])
        self.good(
            "gpu pool set research --no-project --project service "
            "--description x",
            who=ADMIN,
        )
        (row,) = [
            row
            for row in self.data("gpu pool list --long", who=ADMIN)
            if row["Name"] == "research"
        ]
        self.assertEqual(["service"], row["Projects"])
        self.good("gpu pool delete research", who=ADMIN)

    def test_one_with_hosts_stays(self):
        said = self.bad("gpu pool delete default", who=ADMIN)
        self.assertNotEqual("", said)

    def test_a_project_that_is_not_there(self):
        said = self.bad("gpu pool create --project nope x", who=ADMIN)
        self.assertIn("There is no project 'nope'.", said)
