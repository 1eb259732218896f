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

"""A flavor is what a user orders."""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass, field


class Kind(enum.StrEnum):
    """How the GPUs reach the user."""

    VM = "vm"


class Topology(enum.StrEnum):
    """How much the GPUs of one order have to belong together.

    ``prefer`` takes one block (NVLink island, NUMA node) where it can,
    ``require`` waits for one.
    """

    ANY = "any"
    PREFER = "prefer"
    REQUIRE = "require"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavor:
    """Models in order of preference x a count, with CPU, memory and disk.

    :param models: names of models, most wanted first; one node takes all its
        cards from one model.
    :param gpus: cards a node.
    :param traits: required traits of the host, by name.
    :param extra_specs: validated Nova properties (``hw:*`` only); never
        aliases or resources, which the broker alone writes.
    """

    id: str
    name: str
    description: str = ""
    kind: Kind = Kind.VM
    models: tuple[str, ...]
    gpus: int
    vcpus: int
    ram_mib: int
    disk_gib: int
    topology: Topology = Topology.PREFER
    extra_specs: dict[str, str] = field(default_factory=dict)
    traits: tuple[str, ...] = ()
    generation: int = 0
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None
