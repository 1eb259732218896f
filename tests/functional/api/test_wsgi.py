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


"""``gpubroker.wsgi.api:application`` as a web server loads it."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import fixtures
import testtools

from tests.fixtures import broker_processes
from tests.fixtures import database

_ASK = """
import json, sys
import webob
from gpubroker.wsgi import api
for path in sys.argv[1:]:
    answer = webob.Request.blank(path).get_response(api.application)
    print(json.dumps([path, answer.status_int, answer.text]))
"""


class Wsgi(testtools.TestCase):
    def configure(self, **values: str) -> str:
        folder = self.useFixture(fixtures.TempDir()).path
        path = pathlib.Path(folder) / "gpubroker.conf"
        values.setdefault("keys", database.keys())
        path.write_text(broker_processes.BASE.format(**values))
        return str(path)

    def ask(self, *paths: str, **environ: str) -> dict[str, tuple[int, str]]:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _ASK, *paths],
            env={"PATH": os.environ["PATH"], **environ},
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.assertEqual(0, done.returncode, done.stderr)
        # The log may come between.
        lines = [x for x in done.stdout.splitlines() if x.startswith("[")]
        found: list[Any] = [json.loads(line) for line in lines]
        return {path: (status, text) for path, status, text in found}

    def test_answers_with_what_the_file_names(self) -> None:
        url = self.useFixture(database.Database()).url
        answers = self.ask(
            "/",
            "/v1/openapi.json",
            "/v1/models",
            "/healthcheck",
            "/healthcheck/database",
            "/healthcheck/messaging",
            OS_GPUBROKER_CONFIG_FILES=self.configure(database=url),
        )
        self.assertEqual(
            [200, 200, 401, 200, 200, 200],
            [status for status, _ in answers.values()],
        )

    def test_a_database_that_is_not_there(self) -> None:
        path = self.configure(database="sqlite:////nowhere/at/all.sqlite")
        answers = self.ask(
            "/healthcheck",
            "/healthcheck/database",
            GPUBROKER_CONFIG_FILES=path,
        )
        self.assertEqual(200, answers["/healthcheck"][0])
        self.assertEqual(503, answers["/healthcheck/database"][0])

    def test_it_does_not_start_without_keys_and_says_what_to_do(self) -> None:
        path = self.configure(
            database="sqlite:////nowhere/at/all.sqlite", keys="/nowhere/keys"
        )
        for command in (
            [sys.executable, "-W", "ignore", "-c", _ASK],
            [
                *(sys.executable, "-W", "ignore", "-m"),
                *("gpubroker.cmd.worker", "--config-file", path),
            ],
        ):
            done = subprocess.run(
                command,
                env={
                    "PATH": os.environ["PATH"],
                    "OS_GPUBROKER_CONFIG_FILES": path,
                },
                capture_output=True,
                text=True,
                timeout=120,
            )
            self.assertEqual(1, done.returncode)
            said = done.stdout + done.stderr
            self.assertIn("/nowhere/keys does not exist", said)
            self.assertIn("gpubroker-manage keys create", said)
