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

"""The small clouds of the tests: sandboxes, each with a folder of its own."""

from __future__ import annotations

import subprocess
from concurrent import futures
from dataclasses import dataclass

from tests import commands


@dataclass(frozen=True, slots=True)
class Cloud:
    """One of them.

    :ivar state: the folder of the sandbox.
    :ivar more: what it is started with besides.
    """

    state: str
    more: tuple[str, ...] = ()

    def run(
        self, *words: str, echo: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """``python -m sandbox`` on it."""
        return commands.run(
            [
                str(commands.ROOT / ".venv/bin/python"),
                *("-m", "sandbox", "--state", self.state, *words),
            ],
            capture=True,
            echo=echo,
        )


FIRST = Cloud(str(commands.ROOT / ".sandbox-test"), ("--with", "horizon"))
SECOND = Cloud(str(commands.ROOT / ".sandbox-test-2"))


class Clouds:
    """Those that run, or are about to.

    They start one after the other: each takes all that two cores can do.
    """

    def __init__(self) -> None:
        self._pool = futures.ThreadPoolExecutor(1)
        self._started: dict[Cloud, futures.Future[bool]] = {}

    def want(self, *clouds: Cloud) -> None:
        """Begin to start them, and do not wait."""
        for cloud in clouds:
            if cloud not in self._started:
                self._started[cloud] = self._pool.submit(
                    self._start, cloud, not self._started
                )

    def up(self, *clouds: Cloud) -> bool:
        """Wait until they run; whether all of them do."""
        self.want(*clouds)
        return all([self._started[cloud].result() for cloud in clouds])

    def stop(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        for cloud in self._started:
            cloud.run("--down")

    @staticmethod
    def _start(cloud: Cloud, echo: bool) -> bool:
        done = cloud.run("--keep", "--faults", *cloud.more, echo=echo)
        if done.returncode and not echo:
            # Shown only now: it started beside the tests.
            print(done.stdout, flush=True)
        return not done.returncode
