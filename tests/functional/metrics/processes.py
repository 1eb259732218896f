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

"""Real processes of API and worker, and what Prometheus would read there.

Nova, Placement and Keystone are at an address where nobody answers: what is
exported has to be there all the same.
"""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence

import fixtures
from prometheus_client import metrics_core
from prometheus_client import parser

from sandbox import ports
from tests.fixtures import database
from tests.fixtures import engines

PATIENCE = 120.0
BIN = pathlib.Path(sys.executable).parent

CONFIGURATION = """
[DEFAULT]
transport_url = fake:/
[database]
connection = {database}
[encryption]
key_repository = {keys}
[service_user]
auth_type = password
auth_url = http://127.0.0.1:9/v3
username = gpubroker
password = secret
[keystone_authtoken]
www_authenticate_uri = http://127.0.0.1:9/v3
auth_type = password
auth_url = http://127.0.0.1:9/v3
username = gpubroker
password = secret
[worker]
workers = {workers}
ownership_seconds = 3
[metrics]
enabled = {enabled}
api_port = {api_port}
worker_port = {worker_port}
census_interval = 1
"""


class Site(fixtures.Fixture):  # type: ignore[misc]
    """A configuration and its database.

    :ivar counts: the folder in which the processes of the API add up.
    """

    def __init__(self, workers: int = 1, enabled: bool = True) -> None:
        super().__init__()
        self._workers = workers
        self._enabled = enabled

    def _setUp(self) -> None:
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.counts = self.folder / "counts"
        self.counts.mkdir()
        self.store = self.useFixture(database.Database())
        self.port = engines.free_port()
        self.api_port = engines.free_port()
        self.worker_port = _free_ports(self._workers)
        self.conf = self.folder / "gpubroker.conf"
        self.conf.write_text(
            CONFIGURATION.format(
                database=self.store.url,
                keys=database.keys(),
                workers=self._workers,
                enabled=self._enabled,
                api_port=self.api_port,
                worker_port=self.worker_port,
            )
        )

    def api(
        self, processes: int = 1, environment: Mapping[str, str] | None = None
    ) -> Process:
        """gunicorn, as the installation guide runs it."""
        if environment is None:
            environment = {"PROMETHEUS_MULTIPROC_DIR": str(self.counts)}
        command = [
            *(sys.executable, "-W", "ignore", str(BIN / "gunicorn")),
            f"--bind=127.0.0.1:{self.port}",
            *("--worker-class=gthread", f"--workers={processes}"),
            *("--threads=2", "--no-control-socket", "--timeout=0"),
            "gpubroker.wsgi.api:application",
        ]
        made = self._start("api", command, environment)
        made.wait(lambda: self.ask("/healthcheck") == 200)
        return made

    def worker(self) -> Process:
        command = [
            *(sys.executable, "-W", "ignore", "-m", "gpubroker.cmd.worker"),
            *("--config-file", str(self.conf)),
        ]
        return self._start("worker", command, {})

    def _start(
        self, name: str, command: Sequence[str], more: Mapping[str, str]
    ) -> Process:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.getcwd(),
            "OS_GPUBROKER_CONFIG_FILES": str(self.conf),
            **more,
        }
        log = self.folder / f"{name}.log"
        made = Process(command, environment, self.folder, log)
        self.addCleanup(made.stop)
        return made

    def ask(self, path: str) -> int | None:
        """The status of the API's answer, if there is one."""
        try:
            url = f"http://127.0.0.1:{self.port}{path}"
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None


def _free_ports(count: int) -> int:
    """The first of several in a row."""
    while True:
        first = engines.free_port()
        if all(ports.is_free(first + n) for n in range(count)):
            return first


class Process:
    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: pathlib.Path,
        log: pathlib.Path,
    ) -> None:
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                list(command),
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self) -> str:
        return self._log.read_text()

    def wait(self, until: Callable[[], object]) -> None:
        give_up = time.monotonic() + PATIENCE
        while not until():
            if time.monotonic() > give_up or self._process.poll() is not None:
                raise AssertionError(f"never came:\n{self.said[-2000:]}")
            time.sleep(0.2)

    def children(self) -> list[int]:
        pid = self._process.pid
        tasks = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
        return [int(word) for word in tasks.read_text().split()]

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Scrape:
    """What an address tells: ``families`` by name."""

    def __init__(self, port: int, path: str = "/metrics") -> None:
        url = f"http://127.0.0.1:{port}{path}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            self.text = answer.read().decode()
        #: Of metrics, with _total where they count.
        self.names = set(re.findall(r"^# TYPE (\S+) ", self.text, re.M))
        found = parser.text_string_to_metric_families(self.text)
        self.families: dict[str, metrics_core.Metric] = {
            family.name: family for family in found
        }

    def values(self, sample: str) -> dict[tuple[str, ...], float]:
        """Values of labels, in the order of their names -> number."""
        return {
            tuple(value for _name, value in sorted(s.labels.items())): s.value
            for family in self.families.values()
            for s in family.samples
            if s.name == sample
        }


def scraped(port: int) -> Scrape | None:
    """None as long as nobody listens."""
    try:
        return Scrape(port)
    except OSError:
        return None
