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

"""A pool and its queue at one moment: what plans and offers are made from."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gpubroker.domain.matching import HostView
from gpubroker.domain.matching import Need
from gpubroker.domain.shapes import Shape
from gpubroker.domain.shapes import Shapes


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A lease that waits, as the plan sees it."""

    lease_id: str
    models: tuple[str, ...]
    need: Need
    nodes: int = 1
    not_before: datetime.datetime | None = None
    project_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A pool at one moment.

    :param hosts: in the fixed order that breaks ties.
    :param orders: the queue, head first.
    :param blocks: model -> valid sets of slots.
    :param shapes: of the hosts, one for each in the same order, where they
        are known already.
    """

    pool: str
    now: datetime.datetime
    hosts: tuple[HostView, ...]
    orders: tuple[Order, ...] = ()
    blocks: Mapping[str, Sequence[Sequence[int]]] = field(default_factory=dict)
    shapes: Sequence[Shape] = field(default=(), compare=False)

    def shaped(self) -> Iterable[tuple[HostView, Shape]]:
        shapes = self.shapes or Shapes().of_all(self.hosts)
        return zip(self.hosts, shapes, strict=True)
