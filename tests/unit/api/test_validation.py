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


"""Faults are named in words for people."""

from __future__ import annotations

import datetime

import testtools

from gpubroker import errors
from gpubroker.api import validation
from gpubroker.api.schemas import leases
from gpubroker.api.schemas import models
from gpubroker.api.schemas import types
from gpubroker.api.schemas import workloads

IMAGE = "11111111-2222-4333-8444-555555555555"
ORDER = {
    "name": "train",
    "flavor": "vm.gpu.a100.2",
    "workload": {"type": "server", "image": IMAGE},
}


class Orders(testtools.TestCase):
    validator = validation.Validator(leases.CREATE)

    def fault(self, **changes: object) -> tuple[str, str]:
        error = self.assertRaises(
            errors.Invalid, self.validator.check, {**ORDER, **changes}
        )
        return error.fields.get("field", ""), error.message

    def test_a_plain_order_is_fine(self) -> None:
        self.validator.check(ORDER)

    def test_zero_negative_and_endless_nodes(self) -> None:
        for nodes in (0, -1, 10**9, True, "1", 1.5):
            field, words = self.fault(nodes=nodes)
            self.assertEqual("nodes", field)
            self.assertIn(str(nodes), words)

    def test_the_words_name_field_and_limit(self) -> None:
        self.assertEqual(
            ("nodes", "nodes: 0 is less than the minimum of 1"),
            self.fault(nodes=0),
        )

    def test_an_unknown_field(self) -> None:
        self.assertEqual(
            ("gpus", "gpus: is not known here"), self.fault(gpus=2)
        )

    def test_an_unknown_field_inside(self) -> None:
        workload = {**ORDER["workload"], "hint": 1}  # type: ignore[dict-item]
        self.assertEqual("workload.hint", self.fault(workload=workload)[0])

    def test_a_missing_field(self) -> None:
        error = self.assertRaises(
            errors.Invalid, self.validator.check, {"name": "x", "flavor": "y"}
        )
        self.assertEqual("workload: is required", error.message)

    def test_a_megabyte_is_not_repeated(self) -> None:
        field, words = self.fault(name="x" * 2**20)
        self.assertEqual("name", field)
        self.assertLess(len(words), 400)

    def test_a_megabyte_of_a_field_name_is_not_repeated(self) -> None:
        field, words = self.fault(**{"x" * 2**20: 1})
        self.assertLess(len(field), 400)
        self.assertLess(len(words), 400)

    def test_names_in_any_script_but_without_control_characters(self) -> None:
        self.validator.check({**ORDER, "name": "тренировка №1"})
        for name in ("", "a\nb", "a\x7f", "a\n"):
            self.assertEqual("name", self.fault(name=name)[0])

    def test_names_that_nova_would_refuse_for_a_server(self) -> None:
        for name in (" train ", "a\u200b", "train\u00a0", "тренировка 😀"):
            field, words = self.fault(name=name)
            self.assertEqual("name", field)
            self.assertIn("Nova takes no name", words)
        rename = validation.Validator(leases.UPDATE)
        self.assertRaises(errors.Invalid, rename.check, {"name": "a "})


class Workloads(testtools.TestCase):
    validator = validation.Validator(workloads.ORDER)

    def check(self, **more: object) -> None:
        self.validator.check({"type": "server", "image": IMAGE, **more})

    def refuse(self, **more: object) -> None:
        self.assertRaises(errors.Invalid, self.check, **more)

    def test_networks(self) -> None:
        self.check(networks="auto")
        self.check(networks="none")
        self.check(networks=[{"network": IMAGE, "fixed_ip": "10.0.0.5"}])
        self.check(networks=[{"port": IMAGE}, {"network": IMAGE}])
        self.refuse(networks="any")
        self.refuse(networks=[])
        self.refuse(networks=[{}])
        self.refuse(networks=[{"network": IMAGE, "port": IMAGE}])
        self.refuse(networks=[{"network": "demo-net"}])
        self.refuse(networks=[{"network": IMAGE, "fixed_ip": "10.0.0.500"}])
        self.refuse(networks=[{"port": IMAGE, "fixed_ip": "10.0.0.5"}])

    def test_metadata_has_the_keys_that_nova_takes(self) -> None:
        self.check(metadata={"team: a.b_c-d 1": "größe"})
        for key in ("größe", "a/b", "", "x" * 256):
            self.refuse(metadata={key: "1"})

    def test_names_that_nova_would_refuse(self) -> None:
        self.check(key_name="my key", security_groups=["web servers"])
        self.refuse(key_name=" mykey")
        self.refuse(security_groups=["web\u200b"])

    def test_a_zone_names_no_host(self) -> None:
        self.check(availability_zone="nova")
        self.refuse(availability_zone="nova:gpu-1")

    def test_user_data_is_base64(self) -> None:
        self.check(user_data="aGVsbG8=")
        self.refuse(user_data="hello!")
        self.refuse(user_data="A" * 65536)


class Patterns(testtools.TestCase):
    def test_a_last_line_feed_does_not_match(self) -> None:
        validator = validation.Validator(types.NAME)
        validator.check("a100")
        self.assertRaises(errors.Invalid, validator.check, "a100\n")

    def test_a_model_of_a_body_that_is_no_object(self) -> None:
        validator = validation.Validator(models.CREATE)
        for body in ([], "x", 1, None):
            self.assertRaises(errors.Invalid, validator.check, body)


class Times(testtools.TestCase):
    def test_come_out_in_utc(self) -> None:
        self.assertEqual(
            datetime.datetime(2026, 11, 1, 7, tzinfo=datetime.UTC),
            validation.time("2026-11-01T08:00:00+01:00"),
        )

    def test_without_a_zone_or_out_of_range_are_none(self) -> None:
        for text in ("2026-11-01T08:00:00", "x", "9999-12-31T23:59:59-23:00"):
            self.assertRaises(ValueError, validation.time, text)
