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


"""A pool as the API shows it."""

from __future__ import annotations

from typing import Any

from gpubroker.api.call import Call
from gpubroker.api.views import times
from gpubroker.domain import devices
from gpubroker.domain import pools


def show(
    call: Call, pool: pools.Pool, hosts: int, tally: devices.Tally | None
) -> dict[str, Any]:
    """:param hosts: how many it has.
    :param tally: of its devices, for an operator; none: for anybody.
    """
    view: dict[str, Any] = {
        "name": pool.name,
        "description": pool.description,
        "admission": pool.admission,
        "hosts": hosts,
        "generation": pool.generation,
        **times.stamps(pool),
        "links": call.link("pools", pool.name),
    }
    if tally:
        view["projects"] = list(pool.projects)
        view["devices"] = {
            "total": sum(tally.counts.values()),
            **tally.counts,
            "withheld": tally.withheld,
        }
    return view
