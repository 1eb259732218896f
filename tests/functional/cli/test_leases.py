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

"""Ordering GPUs from the command line, and living with the order."""

from __future__ import annotations

import datetime

from tests.fixtures import api as test_api
from tests.fixtures import brownfield
from tests.fixtures import cloud as test_cloud
from tests.functional.cli import base
from tests.functional.cli import emulated

CREATE = "gpu lease create --flavor gpu.2 --image ubuntu"


class Ordering(base.TestCase):
    def test_the_whole_order_reaches_the_service(self):
        script = self.folder / "user-data"
        script.write_text("#cloud-config\n")
        made = self.data(
            f"{CREATE} --network net,fixed-ip=10.0.0.9 --port port "
            f"--key-name mykey --security-group default --duration 1h30m "
            f"--availability-zone nova --boot-volume-size 50 "
            f"--property team=nlp --user-data {script} train"
        )
        self.assertEqual(5400, made["duration"])
        workload = made["workload"]
        self.assertEqual(True, workload.pop("has_user_data"))
        self.assertEqual("ubuntu", workload.pop("login_user"))
        self.assertEqual(
            {
                "type": "server",
                "image": test_cloud.IMAGE,
                "networks": [
                    {"network": emulated.NETWORK, "fixed_ip": "10.0.0.9"},
                    {"port": emulated.PORT},
                ],
                "key_name": "mykey",
                "security_groups": ["default"],
                "availability_zone": "nova",
                "boot_volume_gib": 50,
                "metadata": {"team": "nlp"},
            },
            {k: v for k, v in workload.items() if v is not None},
        )

    def test_networks_may_be_left_to_nova(self):
        made = self.data(f"{CREATE} --network none train")
        self.assertEqual("none", made["workload"]["networks"])

    def test_waiting_shows_the_steps_and_ends_with_how_to_log_in(self):
        self.turning.turning = True
        done = self.good(f"{CREATE} --key-name mykey --wait train -f json")
        lease = done.json()
        self.assertEqual("active", lease["state"])
        self.assertEqual(["10.0.0.5"], lease["addresses"])
        self.assertEqual(["ssh ubuntu@10.0.0.5"], lease["login"])
        lines = done.err.splitlines()
        self.assertIn("train: starting, on a100-sxm4-80gb", lines)
        self.assertIn("  boot done, 1 s", lines)
        self.assertRegex(
            lines[-1], r"^train: active, \d+(\.\d)? s after the order$"
        )

    def test_waiting_quietly_shows_nothing(self):
        self.turning.turning = True
        done = self.good(f"-q {CREATE} --wait train -f value -c state")
        self.assertEqual(("active\n", ""), (done.out, done.err))

    def test_waiting_for_what_fails_ends_with_the_reason(self):
        self.turning.turning = True
        said = self.bad(f"{CREATE} --key-name nokey --wait train")
        self.assertIn("Lease train failed: Invalid key_name provided.\n", said)

    def test_what_can_never_fit_is_refused_with_the_reason(self):
        said = self.bad(
            "gpu lease create --flavor gpu.8 --nodes 2 --image ubuntu big"
        )
        self.assertIn("can never start", said)


class Refusals(base.TestCase):
    """One line that says what to do about it, and nothing ordered."""

    def refused(self, command, words):
        said = self.bad(command)
        self.assertIn(words, said)
        self.assertEqual([], self.data("gpu lease list --all"))

    def test_names_that_are_not_there(self):
        for option, words in (
            ("--image nope", "There is no image 'nope'"),
            ("--image ubuntu --network nope", "There is no network 'nope'"),
            ("--image ubuntu --port nope", "There is no port 'nope'"),
            ("--image twice", "More than one image is named 'twice'"),
            ("--image ubuntu --pool nope", "there is no pool nope"),
        ):
            self.refused(
                f"gpu lease create --flavor gpu.2 {option} train", words
            )

    def test_a_flavor_that_is_not_there(self):
        self.refused(
            "gpu lease create --flavor nope --image ubuntu train",
            "there is no flavor nope",
        )

    def test_numbers_out_of_range(self):
        for option, words in (
            ("--nodes 0", "0 is less than 1"),
            ("--nodes -5", "-5 is less than 1"),
            ("--nodes 1000000000", "greater than the maximum of 64"),
            ("--nodes many", "'many' is not a whole number"),
            ("--duration 8", "8 has no unit"),
            ("--duration=-1h", "'-1h' is not a duration"),
            ("--duration 10s", "less than the minimum of 60"),
            ("--boot-volume-size 0", "0 is less than 1"),
        ):
            self.refused(f"{CREATE} {option} train", words)

    def test_networks_that_exclude_each_other(self):
        self.refused(
            f"{CREATE} --network auto --network net train",
            "--network auto stands alone.",
        )

    def test_a_name_that_is_too_long(self):
        said = self.run_words([*CREATE.split(), "x" * 100_000])
        self.assertEqual(1, said.status)
        self.assertLess(len(said.err), 1000)


class Living(base.TestCase):
    def setUp(self):
        super().setUp()
        self.lease = self.data(f"{CREATE} --duration 8h train")
        self.world.settle(self.lease["id"], "active")

    def test_a_list_has_what_is_not_over(self):
        (row,) = self.data("gpu lease list")
        self.assertEqual("train", row["Name"])
        self.assertEqual("active", row["State"])
        self.assertEqual(["10.0.0.5"], row["Addresses"])
        self.good("gpu lease delete train")
        self.world.settle(self.lease["id"], "ended")
        self.assertEqual([], self.data("gpu lease list"))
        for option in ("--all", "--state ended", "--name train"):
            (row,) = self.data(f"gpu lease list {option}")
            self.assertEqual("ended", row["State"])

    def test_a_name_is_found_and_an_id_is_found(self):
        for key in ("train", self.lease["id"]):
            found = self.data(f"gpu lease show {key}")
            self.assertEqual(self.lease["id"], found["id"])

    def test_a_lease_of_another_project_is_not_there(self):
        for key in ("train", self.lease["id"]):
            for verb in ("show", "delete", "extend --by 1h", "event list"):
                said = self.bad(
                    f"gpu lease {verb} {key}", who=test_api.OTHER_MEMBER
                )
                self.assertIn("There is no lease", said)

    def test_operators_see_hosts_and_devices(self):
        shown = self.good(
            "gpu lease show train --all-projects", who=test_api.ADMIN
        ).out
        self.assertIn("on gpu-1", shown)
        self.assertIn("0000:07:00.0  slot 0", shown)
        self.assertNotIn("gpu-1", self.good("gpu lease show train").out)

    def test_all_projects_are_for_operators(self):
        (row,) = self.data(
            "gpu lease list --all-projects --long", who=test_api.ADMIN
        )
        self.assertEqual("demo", row["Project ID"])
        self.assertEqual(
            [], self.data("gpu lease list --project other", who=test_api.ADMIN)
        )
        self.assertIn("Policy", self.bad("gpu lease list --all-projects"))

    def test_an_extension_moves_the_expiry(self):
        before = self.data("gpu lease show train")["expires_at"]
        after = self.data("gpu lease extend train --by 2h")["expires_at"]
        moved = datetime.datetime.fromisoformat(
            after
        ) - datetime.datetime.fromisoformat(before)
        self.assertEqual(datetime.timedelta(hours=2), moved)
        until = self.data(
            "gpu lease extend train --until 2027-01-01T09:00+01:00"
        )
        self.assertEqual("2027-01-01T08:00:00.000Z", until["expires_at"])

    def test_an_extension_backwards_is_refused(self):
        said = self.bad("gpu lease extend train --until 2020-01-01T00:00:00Z")
        self.assertNotEqual("", said)
        said = self.bad("gpu lease extend train --until 2027-01-01T00:00")
        self.assertIn("add Z for UTC", said)

    def test_a_rename(self):
        self.good("gpu lease set --name eval train")
        self.assertEqual("eval", self.data("gpu lease show eval")["name"])

    def test_the_history_reads_from_the_order_on(self):
        kinds = [
            row["Kind"] for row in self.data("gpu lease event list train")
        ]
        self.assertEqual("lease.ordered", kinds[0])
        self.assertEqual("lease.active", kinds[-1])
        (first,) = self.data("gpu lease event list train --limit 1 --long")
        self.assertRegex(first["Request ID"], "^req-")

    def test_several_are_ended_and_what_fails_is_named(self):
        self.turning.turning = True
        self.good(f"{CREATE} eval")
        said = self.bad("gpu lease delete train nope eval --wait")
        self.assertIn("nope: There is no lease", said)
        self.assertIn("1 of 3 leases failed.", said)
        self.assertIn("train: ended", said)
        self.assertIn("eval: ended", said)
        # Only the end was waited for; the steps of the start are no news.
        self.assertNotIn("boot", said)
        self.assertEqual([], self.data("gpu lease list"))

    def test_the_end_of_one_that_failed_is_no_failure(self):
        self.turning.turning = True
        self.bad(f"{CREATE} --key-name nokey --wait other")
        self.good("gpu lease delete other --wait")


class Queueing(base.TestCase):
    def test_the_queue_in_order_with_what_it_waits_for(self):
        first = self.data(
            "gpu lease create --flavor gpu.8 --image ubuntu first"
        )
        self.world.settle(first["id"], "active")
        for name in ("second", "third"):
            self.good(f"gpu lease create --flavor gpu.8 --image ubuntu {name}")
            # Orders of the very same moment have no order among themselves.
            self.world.clock.advance(1)
            self.world.turn()
        rows = self.data("gpu queue list")
        self.assertEqual(
            [(1, "second"), (2, "third")],
            [(row["Place"], row["Lease"]) for row in rows],
        )
        self.assertIn("8 x a100-sxm4-80gb", rows[0]["Reason"])
        self.assertIn("place 2", self.good("gpu lease show third").out)
        everyone = self.data(
            "gpu queue list --all-projects --long", who=test_api.ADMIN
        )
        self.assertEqual(["demo"] * 2, [row["Project ID"] for row in everyone])
        self.assertEqual([], self.data("gpu queue list --pool other"))


class Adopting(base.TestCase):
    def test_an_administrator_makes_a_lease_of_a_server(self):
        server = brownfield.server(self.world, slots=(0, 1), name="old")
        command = f"gpu lease adopt {server}"
        self.assertIn("gpubroker:lease:adopt", self.bad(command))
        said = self.bad(f"{command} --flavor gpu.1", who=test_api.ADMIN)
        self.assertIn("GPUs 2 instead of 1", said)
        more = "--flavor gpu.2 --duration 2h -f json"
        made = self.good(f"{command} {more}", who=test_api.ADMIN).json()
        self.assertEqual(
            ("active", "old", "adopted", 7200, test_api.PROJECT),
            tuple(
                made[name]
                for name in (
                    "state",
                    "name",
                    "identity_mode",
                    "duration",
                    "project_id",
                )
            ),
        )
        self.assertIn("already", self.bad(command, who=test_api.ADMIN))
        nobody = "gpu lease adopt 11111111-2222-4333-8444-666666666666"
        self.assertIn("no server", self.bad(nobody, who=test_api.ADMIN))
        renamed = f"gpu lease set --name new {made['id']}"
        self.good(renamed)
        shown = self.data(f"gpu lease show {made['id']}")
        self.assertEqual("old", shown["servers"][0]["name"])
        self.good(f"gpu lease delete {made['id']}")
        self.world.settle(made["id"], "ended")
        self.assertEqual({}, self.world.leftovers())
