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

from __future__ import annotations

import contextlib
import io
import json

import testtools

from gpubroker.audit import main
from tests.unit.audit import wire

LOGIN = (
    *("--os-auth-url", wire.AUTH_URL),
    *("--os-username", "operator", "--os-password", "p"),
    *("--os-project-name", "admin"),
    *("--os-user-domain-id", "default", "--os-project-domain-id", "default"),
    *("--os-region-name", "RegionOne"),
)


class MainTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.wire = self.useFixture(wire.Wire())

    def run_it(self, *arguments: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main.main([*LOGIN, *arguments])
        return status, out.getvalue(), err.getvalue()

    def test_a_clean_cloud_ends_with_0(self):
        status, out, err = self.run_it()
        self.assertEqual((0, ""), (status, err))
        self.assertTrue(out.startswith("0 errors, 0 warnings, 0 notes; "), out)

    def test_an_error_ends_with_1(self):
        server = {**wire.SERVER, "status": "ERROR"}
        self.wire.http.get(
            f"{wire.NOVA}/servers/detail", json={"servers": [server]}
        )
        status, out, err = self.run_it("-f", "json", "--grace", "0")
        self.assertEqual(1, status)
        (found,) = json.loads(out)["findings"]
        self.assertEqual("lease-server-error", found["code"])
        self.assertIn("looking again in 2 s", err)

    def test_a_service_that_is_away_ends_with_2(self):
        self.wire.http.get(f"{wire.NOVA}/servers/detail", status_code=500)
        status, out, err = self.run_it()
        self.assertEqual((2, ""), (status, out))
        self.assertIn("Could not look. Nova: answers with 500", err)

    def test_a_cell_that_is_down_ends_with_2(self):
        """Nothing wrong is found, and not everything was seen."""
        self.wire.http.get(
            f"{wire.NOVA}/servers/detail", json={"servers": [wire.HIDDEN]}
        )
        status, out, _err = self.run_it("-f", "json")
        self.assertEqual(2, status)
        found = json.loads(out)
        self.assertEqual(
            ["cell-down"], [one["code"] for one in found["findings"]]
        )
        self.assertFalse(found["complete"])
        status, out, _err = self.run_it()
        self.assertEqual(2, status)
        self.assertIn("not everything could be looked at", out)

    def test_an_error_ends_with_1_also_where_a_cell_is_down(self):
        others = {**wire.SERVER, "status": "ERROR"}
        hidden = {**wire.HIDDEN, "id": "s2"}
        self.wire.http.get(
            f"{wire.NOVA}/servers/detail", json={"servers": [others, hidden]}
        )
        status, _out, _err = self.run_it("--grace", "0")
        self.assertEqual(1, status)

    def test_what_nobody_thought_of_ends_with_2(self):
        """1 is what Python ends with by itself, and means something else."""
        self.wire.http.get(f"{wire.NOVA}/os-services", json={"surprise": []})
        status, out, err = self.run_it()
        self.assertEqual((2, ""), (status, out))
        self.assertIn("Could not look. gpubroker-audit failed", err)
        self.assertIn("KeyError: 'services'", err)
        self.assertIn("--debug", err)
        self.assertNotIn("Traceback", err)

    def test_where_it_failed_is_told_with_debug(self):
        self.wire.http.get(f"{wire.NOVA}/os-services", json={"surprise": []})
        status, _out, err = self.run_it("--debug")
        self.assertEqual(2, status)
        self.assertIn("Traceback", err)
        self.assertIn("compute.py", err)

    def test_output_that_nobody_takes_ends_with_2(self):
        class Closed(io.StringIO):
            def write(self, _text: str) -> int:
                raise BrokenPipeError(32, "Broken pipe")

        with contextlib.redirect_stderr(io.StringIO()):
            with contextlib.redirect_stdout(Closed()):
                status = main.main([*LOGIN])
        self.assertEqual(2, status)

    def test_credentials_that_keystone_refuses_end_with_2(self):
        self.wire.http.post(
            f"{wire.AUTH_URL}/auth/tokens",
            status_code=401,
            json={"error": {"message": "Who are you?"}},
        )
        status, out, err = self.run_it()
        self.assertEqual((2, ""), (status, out))
        self.assertIn("401", err)

    def test_no_credentials_end_with_2(self):
        err = io.StringIO()
        with contextlib.redirect_stderr(err):
            status = main.main(["--os-auth-url", wire.AUTH_URL])
        self.assertEqual(2, status)
        self.assertIn("Could not look.", err.getvalue())

    def test_a_grace_that_is_no_time(self):
        for wrong in ("-1", "nan", "inf", "soon"):
            with contextlib.redirect_stderr(io.StringIO()):
                with self.assertRaises(SystemExit) as end:
                    main.main(["--grace", wrong])
            self.assertEqual(2, end.exception.code)
