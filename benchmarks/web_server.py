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


"""gunicorn with the API, as the sandbox runs it, and clients to load it."""

from __future__ import annotations

import configparser
import http.client
import os
import pathlib
import subprocess
import threading
import time

import fixtures

from sandbox import layout as layouts
from sandbox import ports as tcp
from sandbox.config import gpubroker as sandbox_config
from sandbox.config import settings as s
from tests.fixtures import engines

PATIENCE = 60.0


class WebServer(fixtures.Fixture):
    """The API of a sandbox once more, on another database.

    One worker process with eight threads, as the sandbox has it; faults of
    answers are logged, not refused, as in production.
    """

    def __init__(self, settings: s.Settings, database: str) -> None:
        super().__init__()
        self._settings = settings
        self._database = database
        self._port = engines.free_port()

    def _setUp(self) -> None:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        conf = configparser.RawConfigParser()
        conf.read(sandbox_config.main_file(self._settings))
        conf["database"]["connection"] = self._database
        conf["api"]["response_validation"] = "warn"
        path = folder / "gpubroker.conf"
        with path.open("w") as file:
            conf.write(file)
        path.chmod(0o600)
        log = folder / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    layouts.broker_program("gunicorn"),
                    f"--bind={tcp.HOST}:{self._port}",
                    "--worker-class=gthread",
                    "--workers=1",
                    f"--threads={sandbox_config.THREADS}",
                    "--no-control-socket",
                    "gpubroker.wsgi.api:application",
                ],
                env={**os.environ, "OS_GPUBROKER_CONFIG_FILES": str(path)},
                cwd=folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.addCleanup(self._stop)
        give_up = time.monotonic() + PATIENCE
        while not tcp.answers(self._port):
            if time.monotonic() > give_up or self._process.poll() is not None:
                raise RuntimeError(log.read_text())
            time.sleep(0.1)

    def _stop(self) -> None:
        self._process.terminate()
        self._process.wait()

    def get(self, path: str, token: str) -> bytes:
        """:raises RuntimeError: any answer but 200."""
        return _get(
            http.client.HTTPConnection(tcp.HOST, self._port, timeout=PATIENCE),
            path,
            token,
        )

    def load(
        self, path: str, token: str, clients: int, seconds: float
    ) -> tuple[int, list[float]]:
        """Ask again and again, each client on a connection of its own.

        :returns: answers within the time, and how long each took.
        """
        times: list[float] = []
        end = time.monotonic() + seconds

        def ask() -> None:
            connection = http.client.HTTPConnection(
                tcp.HOST, self._port, timeout=PATIENCE
            )
            while (began := time.monotonic()) < end:
                _get(connection, path, token)
                times.append(time.monotonic() - began)

        threads = [threading.Thread(target=ask) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(times), times


def _get(
    connection: http.client.HTTPConnection, path: str, token: str
) -> bytes:
    connection.request("GET", path, headers={"X-Auth-Token": token})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{answer.status}: {body!r}")
    return body
