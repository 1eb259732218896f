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
a name never repeats, and what a name stands for is found again by it.
"""

from __future__ import annotations

from gpubroker.domain import leases

#: No other name in Placement or Nova starts with these.
TICKET_PREFIX = "CUSTOM_GPUBROKER_"
SHAPE_PREFIX = "gpubroker-"


def ticket(node_id: str, attempt: int) -> str:
    """A resource class: upper-case letters, digits and underscores."""
    return f"{TICKET_PREFIX}{_plain(node_id).upper()}_{attempt}"


def shape(node_id: str, attempt: int) -> str:
    """Both the id and the name of the private flavor."""
    return f"{SHAPE_PREFIX}{_plain(node_id)}-{attempt}"


def tag(node: leases.Node) -> str:
    """A server tag: Nova takes 60 characters, no comma and no slash."""
    return f"gpubroker:{node.id}:{node.attempt}"


def server(lease: leases.Lease, node: leases.Node) -> str:
    """What the user sees in Nova."""
    if lease.node_count == 1:
        return lease.name
    return f"{lease.name}-{node.index}"


def _plain(node_id: str) -> str:
    return node_id.replace("-", "")
