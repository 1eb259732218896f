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

"""Whether a start that was planned can still be had.

A plan is made from what was read, and written later. Here its cards are
looked at once more, by the rule that chose them.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence

from gpubroker.domain import matching
from gpubroker.domain import planning
from gpubroker.domain.matching import HostView
from gpubroker.domain.snapshots import Order


def withdrawn(
    start: planning.Start,
    order: Order,
    hosts: Mapping[str, HostView],
    blocks: Mapping[str, Sequence[Sequence[int]]],
    now: datetime.datetime,
) -> str | None:
    """Which host no longer gives what a start was planned with, by the rule
    that it was planned by; ``None``: all of it stands.

    :param hosts: as they are now, apart from what the start itself takes.
    """
    left = dict(hosts)
    for node in start.nodes:
        if node.host not in left:
            return node.host
        host = planning.seen_by(
            left[node.host], now, order.project_id, order.lease_id
        )
        # Of nothing but these cards there is one choice, or none.
        chosen = dataclasses.replace(
            host,
            cards=tuple(
                c for c in host.cards if c.device_id in node.device_ids
            ),
        )
        choice = matching.choose(
            chosen, node.model, blocks.get(node.model, ()), order.need
        )
        if choice is None:
            return node.host
        left[node.host] = matching.take(left[node.host], choice, order.need)
    return None
