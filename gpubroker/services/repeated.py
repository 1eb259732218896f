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

"""Whether two orders are one that was sent twice. Pure."""

from __future__ import annotations

from gpubroker import errors
from gpubroker.domain import leases

#: What the broker adds by itself.
_LEARNT = frozenset({"login_user"})


def same(stands: leases.Lease, again: leases.Lease) -> leases.Lease:
    """The lease that was made of it.

    :param again: what would be made of an order with the same id.
    :raises Duplicate: of another order; nothing is told of that.
    """
    if _asked(stands) != _asked(again):
        raise errors.Duplicate(
            f"id: there is a lease {again.id} already, and it was ordered "
            "otherwise.",
            field="id",
        )
    return stands


def one_write(stored: leases.Lease, written: leases.Lease) -> bool:
    """Whether the lease that is there is the one that was written, and not
    of the same order sent twice."""
    return {n.id for n in stored.nodes} == {n.id for n in written.nodes}


def _asked(lease: leases.Lease) -> tuple[object, ...]:
    """What cannot change; a lease may be renamed and extended."""
    workload = {k: v for k, v in lease.workload.items() if k not in _LEARNT}
    return (
        lease.project_id,
        lease.user_id,
        lease.flavor,
        lease.pool,
        lease.node_count,
        workload,
    )
