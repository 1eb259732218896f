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

"""By what names the broker's things are known in other services.

An outside thing is recognised by how its name begins. Then comes the name of
the installation, for several may use one cloud; what follows names one start
of one server and is the same for its ticket and its shape.
"""

from __future__ import annotations

import re

#: Resource classes in Placement.
TICKET = "CUSTOM_GPUBROKER_"
#: Resource classes that only count.
MARK = "CUSTOM_GPUBROKERMARK_"
#: Private flavors in Nova; also the names of flavors embedded in servers, and
#: of key pairs of the broker's user.
SHAPE = "gpubroker-"
#: Server tags.
TAG = "gpubroker:"
#: The host's one permanent child provider, which is never left over.
TICKET_PROVIDER = "gpubroker_"

_ALL = (TICKET, MARK, SHAPE, TICKET_PROVIDER)
_INSTALLATION = re.compile(r"([0-9a-f]{8})[-_].")

ALIAS = "pci_passthrough:alias"

_RESOURCES = re.compile(r"^resources[0-9A-Za-z_-]*:(CUSTOM_[A-Z0-9_]+)$")
_SLOT = re.compile(r"^(?P<alias>.+)-s(?P<slot>\d+)$")


def installation(name: str) -> str | None:
    """Whose a thing is; empty where its name does not say it, ``None`` for a
    name that is no broker's.

    >>> installation("gpubroker-0badcafe-0f3a-2"), installation("gpubroker-x")
    ('0badcafe', '')
    """
    for prefix in _ALL:
        if name.startswith(prefix):
            rest = name.removeprefix(prefix).lower()
            match = _INSTALLATION.match(rest)
            return match[1] if match else ""
    return None


def start(name: str) -> str:
    """What a ticket and a shape of one start have in common.

    >>> start("CUSTOM_GPUBROKER_0BADCAFE_0F_2")
    '0badcafe-0f-2'
    >>> start("gpubroker-0badcafe-0f-2")
    '0badcafe-0f-2'
    """
    for prefix in (TICKET, SHAPE):
        if name.startswith(prefix):
            return name.removeprefix(prefix).lower().replace("_", "-")
    raise ValueError(f"{name} is no name of the broker's")


def node(start_name: str) -> str:
    """Which server of which lease it is, whatever the attempt.

    >>> node("0f3a-2")
    '0f3a'
    """
    return start_name.rpartition("-")[0] or start_name


def classes(extra_specs: dict[str, str]) -> list[str]:
    """Custom resource classes that a flavor asks for.

    >>> classes({"resources:CUSTOM_A": "1", "resources_x:CUSTOM_B": "0"})
    ['CUSTOM_A']
    """
    return [
        match[1]
        for key, value in extra_specs.items()
        if (match := _RESOURCES.match(key)) and value != "0"
    ]


def aliases(extra_specs: dict[str, str]) -> list[str]:
    """PCI aliases that a flavor asks for.

    >>> aliases({"pci_passthrough:alias": "a100-s3:1, l40s:2"})
    ['a100-s3', 'l40s']
    """
    asked = extra_specs.get(ALIAS, "")
    return [
        part.strip().rpartition(":")[0] or part.strip()
        for part in asked.split(",")
        if part.strip()
    ]


def slot(alias: str) -> tuple[str, int | None]:
    """An alias taken apart into that of the model and the slot.

    >>> slot("a100-s3"), slot("a100")
    (('a100', 3), ('a100', None))
    """
    match = _SLOT.match(alias)
    if match is None:
        return alias, None
    return match["alias"], int(match["slot"])
