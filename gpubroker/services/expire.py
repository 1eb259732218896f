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

import logging

from gpubroker import errors
from gpubroker.services import broker
from gpubroker.services import end

LOG = logging.getLogger(__name__)

#: Seconds by which this machine's clock may be off the database's. To end a
#: lease can not be undone, so that a clock in doubt ends none.
MAX_SKEW = 60.0


def expire(core: broker.Broker) -> list[str]:
    """End what is over, unless this machine's clock is in doubt.

    :returns: ids of the leases that this call has begun to end.
    """
    with core.store.read() as tx:
        over = tx.leases.expiring(core.clock.now())
    if not over or not _trusted(core):
        return []
    ended = []
    for lease in over:
        try:
            end.expire(core, lease.id)
        except (errors.ConcurrentUpdate, errors.NotFound):
            # Somebody moved it; the next pass sees what is left.
            continue
        ended.append(lease.id)
    return ended


def _trusted(core: broker.Broker) -> bool:
    """Whether the database, a machine of its own, has the same time."""
    skew = (core.machine.now() - core.store.now()).total_seconds()
    if abs(skew) <= MAX_SKEW:
        return True
    LOG.warning(
        "This machine's clock is %.0f s off that of the database: no lease "
        "is ended for its time until they agree",
        skew,
    )
    return False
