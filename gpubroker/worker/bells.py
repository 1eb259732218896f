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

"""Rings that reach this process at once and the others by message."""

from __future__ import annotations

from collections.abc import Sequence

from gpubroker.services import ports


class Bells:
    """``ports.Bell`` that rings several; more may be hung up later."""

    def __init__(self, bells: Sequence[ports.Bell] = ()) -> None:
        self._bells = list(bells)

    def hang(self, bell: ports.Bell) -> None:
        self._bells.append(bell)

    def pool(self, name: str) -> None:
        for bell in self._bells:
            bell.pool(name)

    def lease(self, lease_id: str) -> None:
        for bell in self._bells:
            bell.lease(lease_id)

    def host(self, name: str) -> None:
        for bell in self._bells:
            bell.host(name)
