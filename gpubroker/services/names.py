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

"""Names of the outside things that one start of one lease node makes.

Made of the node's id and its attempt, and stored before the thing is made:
a name never repeats, and what a name stands for is found again by it. The
name of the installation comes first: several may use one Nova and one
Placement, and none takes what it does not know for a leftover of its own.
"""

from __future__ import annotations

import unicodedata
import uuid

from gpubroker import errors
from gpubroker.domain import leases

#: What the names of all installations begin with; no other name of a
#: resource class, a flavor or a provider does.
TICKET_PREFIX = "CUSTOM_GPUBROKER_"
SHAPE_PREFIX = "gpubroker-"
PROVIDER_PREFIX = "gpubroker_"
#: A resource class that only counts; not to be taken for a ticket.
MARK_PREFIX = "CUSTOM_GPUBROKERMARK_"

#: Nova's limit for the name of a server.
_LONGEST = 255
#: The last character, and one more, that Nova's pattern for names knows.
_KNOWN = 0xFFFF


def tickets_of(installation: str) -> str:
    """What the names of its tickets begin with: upper-case letters, digits
    and underscores, as a resource class needs."""
    return f"{TICKET_PREFIX}{installation.upper()}_"


def marks_of(installation: str) -> str:
    """What the names of its marks begin with; see ``services.memory``."""
    return f"{MARK_PREFIX}{installation.upper()}_"


def mark(installation: str, count: int) -> str:
    """A resource class."""
    return f"{marks_of(installation)}{count}"


def shapes_of(installation: str) -> str:
    """What the ids and names of its private flavors begin with."""
    return f"{SHAPE_PREFIX}{installation}-"


def ticket(installation: str, node_id: str, attempt: int) -> str:
    """A resource class."""
    return f"{tickets_of(installation)}{_plain(node_id).upper()}_{attempt}"


def shape(installation: str, node_id: str, attempt: int) -> str:
    """Both the id and the name of the private flavor."""
    return f"{shapes_of(installation)}{_plain(node_id)}-{attempt}"


#: What a shape says of its lease, for a broker that has lost its database.
#: Nova embeds it in the server, where no tenant can change it, and none of
#: its filters reads names that begin so.
SPECS_PREFIX = "gpubroker:"


def specs(lease: leases.Lease, node: leases.Node) -> dict[str, str]:
    """Extra specs; ``services.recovery`` reads them."""
    told = {
        "lease": lease.id,
        "node": str(node.index),
        "nodes": str(lease.node_count),
        "flavor": lease.flavor,
        # Not always the one that Nova knows as the server's.
        "user": lease.user_id,
        "mode": lease.identity_mode.value,
    }
    if lease.duration is not None:
        told["duration"] = str(lease.duration)
    return {f"{SPECS_PREFIX}{key}": value for key, value in told.items()}


def started(installation: str, shape_id: str) -> tuple[str, int] | None:
    """Node id and attempt in the name of a shape of this installation."""
    prefix = shapes_of(installation)
    plain, _, attempt = shape_id.removeprefix(prefix).partition("-")
    if not shape_id.startswith(prefix) or not attempt.isdecimal():
        return None
    try:
        return str(uuid.UUID(plain)), int(attempt)
    except ValueError:
        return None


def provider(installation: str, host: str) -> str:
    """The provider of a host's tickets."""
    return f"{PROVIDER_PREFIX}{installation}_{host}"


def tag(node: leases.Node) -> str:
    """A server tag: Nova takes 60 characters, no comma and no slash."""
    return f"gpubroker:{node.id}:{node.attempt}"


def server(lease: leases.Lease, node: leases.Node) -> str:
    """What the user sees in Nova."""
    return _numbered(lease.name, lease.node_count, node.index)


def check(text: str) -> None:
    """Nova's own rule for names (``valid_name_regex``): what prints, with no
    space at either end, and nothing that needs four bytes in UTF-8.

    :raises ValueError: Nova would refuse it, although any schema of ours is
        content.
    """
    for character in text:
        category = unicodedata.category(character)
        odd = category.startswith("C") or category in ("Zl", "Zp")
        if odd or ord(character) >= _KNOWN:
            raise ValueError(
                f"Nova takes no name with the character {character!a}"
            )
    spaces = [
        c for c in text[:1] + text[-1:] if unicodedata.category(c) == "Zs"
    ]
    if spaces:
        raise ValueError("Nova takes no name that begins or ends with a space")


def check_servers(name: str, nodes: int) -> None:
    """:raises Invalid: a lease's name that is too long with the number that
    each of several servers gets behind it."""
    most = _LONGEST - len(_numbered("", nodes, nodes - 1))
    if len(name) > most:
        raise errors.Invalid(
            f"name: {len(name)} characters are too many: at most {most} for "
            f"{nodes} nodes, since each server has its number at the end.",
            field="name",
        )


def _numbered(name: str, nodes: int, index: int) -> str:
    return name if nodes == 1 else f"{name}-{index}"


def _plain(node_id: str) -> str:
    return node_id.replace("-", "")
