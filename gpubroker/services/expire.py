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

"""End the leases whose time is over."""

from __future__ import annotations

from gpubroker import errors
from gpubroker.services import broker
from gpubroker.services import end


def expire(core: broker.Broker) -> list[str]:
    """:returns: ids of the leases that this call has begun to end."""
    with core.store.read() as tx:
        over = tx.leases.expiring(core.clock.now())
    ended = []
    for lease in over:
        try:
            end.expire(core, lease.id)
        except (errors.ConcurrentUpdate, errors.NotFound):
            # Somebody moved it; the next pass sees what is left.
            continue
        ended.append(lease.id)
    return ended
