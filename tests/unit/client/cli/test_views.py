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

"""Words that stand for values in tables, and values in JSON."""

from __future__ import annotations

import argparse
import datetime
import doctest
import pathlib

import fixtures
import testtools
from osc_lib import exceptions

from gpubroker.client import enrolment
from gpubroker.client.cli import base
from gpubroker.client.cli import columns
from gpubroker.client.cli import device
from gpubroker.client.cli import host
from gpubroker.client.cli import host_enroll
from gpubroker.client.cli import lease_view
from gpubroker.client.cli import model
from gpubroker.client.cli import offer
from gpubroker.client.cli import progress
from gpubroker.client.cli import workload
from gpubroker.client.sdk import base as sdk_base
from gpubroker.client.sdk import device as device_sdk
from gpubroker.client.sdk import lease as lease_sdk


def load_tests(loader, tests, pattern):
    for module in (host, offer, progress, sdk_base):
        tests.addTests(doctest.DocTestSuite(module))
    return tests


class Cells(testtools.TestCase):
    def test_a_list_keeps_its_order_and_stays_a_list(self):
        cell = columns.words(["b", "a"], " or ")
        self.assertEqual("b or a", cell.human_readable())
        self.assertEqual(["b", "a"], cell.machine_readable())

    def test_nothing_is_blank_for_people_and_null_for_machines(self):
        cell = columns.cell(None)
        self.assertEqual("", cell.human_readable())
        self.assertIsNone(cell.machine_readable())

    def test_long_columns_come_with_long(self):
        chosen = (
            columns.Column("A", "a"),
            columns.Column("B", lambda x: x.b * 2, long=True),
        )
        item = argparse.Namespace(a=1, b=2)
        self.assertEqual((("A",), [(1,)]), columns.table([item], chosen))
        self.assertEqual(
            (("A", "B"), [(1, 4)]), columns.table([item], chosen, True)
        )


class Numbers(testtools.TestCase):
    def test_what_is_no_number_is_a_sentence(self):
        for text, words in (
            ("x", "'x' is not a whole number"),
            ("1.0", "'1.0' is not a whole number"),
            ("", "'' is not a whole number"),
            ("0", "0 is less than 1"),
            ("-5", "-5 is less than 1"),
        ):
            error = self.assertRaises(
                argparse.ArgumentTypeError, base.positive, text
            )
            self.assertEqual(words, str(error))

    def test_a_megabyte_of_digits_is_refused_shortly(self):
        error = self.assertRaises(
            argparse.ArgumentTypeError, base.positive, "9" * 1_000_000
        )
        self.assertLess(len(str(error)), 100)

    def test_numbers(self):
        self.assertEqual(10**9, base.positive("1000000000"))
        self.assertEqual(0, base.natural("0"))


class Each(testtools.TestCase):
    def fail(self, key):
        if key != "good":
            raise exceptions.CommandError(f"{key} is bad")

    def test_one_failure_is_its_own_reason(self):
        error = self.assertRaises(
            exceptions.CommandError, base.each, "things", ["a"], self.fail
        )
        self.assertEqual("a is bad", str(error))

    def test_several_are_logged_and_counted_and_the_rest_is_done(self):
        log = self.useFixture(fixtures.FakeLogger())
        done = []

        def act(key):
            self.fail(key)
            done.append(key)

        error = self.assertRaises(
            exceptions.CommandError,
            base.each,
            "things",
            ["a", "good", "b"],
            act,
        )
        self.assertEqual("2 of 3 things failed.", str(error))
        self.assertEqual(["good"], done)
        self.assertEqual(
            ["a: a is bad", "b: b is bad"], log.output.split("\n")[:2]
        )


class Leases(testtools.TestCase):
    def test_a_server_to_an_operator(self):
        words = lease_view.server_text(
            {
                "node": 0,
                "name": "train",
                "status": "ACTIVE",
                "addresses": ["10.0.0.5", "fd00::5"],
                "key_name": "me",
                "host": "gpu-1",
                "devices": [
                    {"pci_address": "0000:07:00.0", "slot": 0, "serial": None}
                ],
                "fault": "",
            }
        )
        self.assertEqual(
            "0: train  ACTIVE  10.0.0.5, fd00::5  key me  on gpu-1\n"
            "   0000:07:00.0  slot 0  serial not readable",
            words,
        )

    def test_a_record_starts_with_what_one_looks_for(self):
        lease = lease_sdk.Lease(
            name="train",
            state="active",
            servers=[
                {
                    "node": 0,
                    "addresses": ["10.0.0.5"],
                    "login": "ssh ubuntu@10.0.0.5",
                }
            ],
            duration=5400,
        )
        names, values = lease_view.record(lease)
        shown = dict(zip(names, values, strict=True))
        self.assertEqual("name", names[0])
        self.assertEqual(
            ["ssh ubuntu@10.0.0.5"], shown["login"].machine_readable()
        )
        self.assertEqual("10.0.0.5", shown["addresses"].human_readable())
        self.assertEqual("1h30m", shown["duration"].human_readable())
        self.assertEqual(5400, shown["duration"].machine_readable())

    def test_the_expiry_of_a_lease_that_is_over_is_no_countdown(self):
        soon = (
            lease_view.now() + datetime.timedelta(hours=2, seconds=5)
        ).isoformat()
        for state, words in (("active", "in 2h"), ("ended", "")):
            lease = lease_sdk.Lease(state=state, expires_at=soon)
            _, rows = columns.table([lease], lease_view.COLUMNS)
            self.assertEqual(words, rows[0][6].human_readable())


class Devices(testtools.TestCase):
    def device(self, *reasons):
        return device_sdk.Device(
            host="gpu-1",
            pci_address="0000:07:00.0",
            fences=[{"reason": reason} for reason in reasons],
        )

    def test_the_only_fence_that_can_be_lifted_is_meant(self):
        self.assertEqual(
            "unadmitted",
            device.only_liftable(self.device("lease", "unadmitted")),
        )

    def test_a_choice_has_to_be_made(self):
        error = self.assertRaises(
            exceptions.CommandError,
            device.only_liftable,
            self.device("operator", "health"),
        )
        self.assertIn("operator, health", str(error))

    def test_none_to_lift_says_what_there_is(self):
        for reasons, words in (((), "(none)"), (("lease",), "(only lease)")):
            error = self.assertRaises(
                exceptions.CommandError,
                device.only_liftable,
                self.device(*reasons),
            )
            self.assertIn(words, str(error))

    def test_a_fence_in_words(self):
        self.assertEqual(
            "operator: fan noise (by u1, since 2026-12-01T08:00:00Z)",
            device.fence_text(
                {
                    "reason": "operator",
                    "detail": "fan noise",
                    "by": "u1",
                    "created_at": "2026-12-01T08:00:00Z",
                    "lease_id": None,
                }
            ),
        )


class Blocks(testtools.TestCase):
    def test_slots_with_commas(self):
        self.assertEqual([0, 1, 10], model.parse_block("0,1,10"))

    def test_anything_else_is_refused(self):
        for text in ("", "0,", "a", "0;1", "-1", "0, 1"):
            self.assertRaises(
                argparse.ArgumentTypeError, model.parse_block, text
            )


class UserData(testtools.TestCase):
    def file(self, content):
        folder = self.useFixture(fixtures.TempDir()).path
        path = pathlib.Path(folder) / "user-data"
        path.write_bytes(content)
        return str(path)

    def test_it_is_sent_in_base64(self):
        self.assertEqual("AP8K", workload.user_data(self.file(b"\x00\xff\n")))

    def test_what_nova_would_refuse_is_refused(self):
        self.assertEqual(
            65532, len(workload.user_data(self.file(b"x" * 49149)))
        )
        error = self.assertRaises(
            exceptions.CommandError,
            workload.user_data,
            self.file(b"x" * 49150),
        )
        self.assertIn("49150 bytes is too large", str(error))

    def test_a_file_that_is_not_there_is_named(self):
        error = self.assertRaises(
            exceptions.CommandError, workload.user_data, "/no/such"
        )
        self.assertEqual(
            "User data can not be read from /no/such: No such file or "
            "directory.",
            str(error),
        )


class Snippets(testtools.TestCase):
    def credential(self, **more):
        return enrolment.Credential(
            **{
                "host": "gpu-1",
                "user_id": "u",
                "id": "i",
                "secret": "s",
                "auth_url": "http://k/v3",
                "interface": "internal",
                **more,
            }
        )

    def test_a_dollar_is_no_reference_to_another_option(self):
        text = host_enroll.snippet(self.credential(secret="a$b"))
        self.assertIn("application_credential_secret = a$$b\n", text)

    def test_what_is_not_known_is_left_out(self):
        text = host_enroll.snippet(self.credential())
        for option in ("region_name", "cafile", "insecure"):
            self.assertNotIn(option, text)

    def test_how_to_trust_keystone_comes_along(self):
        text = host_enroll.snippet(self.credential(cafile="/ca.pem"))
        self.assertIn("cafile = /ca.pem\n", text)
        text = host_enroll.snippet(self.credential(insecure=True))
        self.assertIn("insecure = true\n", text)
