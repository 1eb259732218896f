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

"""Starts agents again that were killed, as systemd does.

API and worker do that by themselves: a master process of theirs is not
killed.
"""

from __future__ import annotations

import threading

import fixtures

from sandbox import cloud as clouds
from sandbox import gpubroker
from sandbox import hardware

#: Seconds between two looks; below ``RestartSec`` of the unit.
_EVERY = 1.0


class Keeper(fixtures.Fixture):  # type: ignore[misc]
    """:param cloud: whose agents all run now."""

    def __init__(self, cloud: clouds.Cloud) -> None:
        super().__init__()
        self._cloud = cloud
        self._over = threading.Event()

    def _setUp(self) -> None:
        names = [gpubroker.agent_name(host.name) for host in hardware.HOSTS]
        catalogue = self._cloud.services()
        self._programs = [catalogue[name].program for name in names]
        thread = threading.Thread(target=self._keep, name="keeper")
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self._over.set)

    def _keep(self) -> None:
        while not self._over.wait(_EVERY):
            self._look()
        # What was killed last is not left so.
        self._look()

    def _look(self) -> None:
        for program in self._programs:
            if not self._cloud.processes.running(program.name):
                self._cloud.processes.start(program)
