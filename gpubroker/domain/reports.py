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

"""A report is what a host's agent sees, all of it, each time."""

from __future__ import annotations

from dataclasses import dataclass

from gpubroker.domain import hosts
from gpubroker.domain.health import Observation
from gpubroker.domain.sightings import Sighting


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that one report says.

    :param digest: equal for equal reports.
    """

    digest: str
    agent_version: str
    boot_id: str
    sightings: tuple[Sighting, ...]
    observations: tuple[Observation, ...]
    conditions: tuple[hosts.Condition, ...]

    def unreadable(self, address: str) -> bool:
        """Whether it says that it could not read the card there. That a
        library can not talk to a card says nothing of whether it is there.
        """
        return (
            hosts.Condition(kind="device_unreadable", detail=address)
            in self.conditions
        )
