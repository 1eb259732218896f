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


"""A failed start, and what it says of the host where it failed.

One failure says little: the image may be broken. So it keeps the host off
the lease that failed; two leases make the host suspect, to their own project
or, where they are of two projects, to everybody.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The last start of a lease that failed on a host.

    Of one host only those are kept that were within ``[worker]
    suspect_window`` of the last one.

    :param until: before then the lease is not started there again, and
        nobody is where the host is suspect.
    :param counts: whether it speaks against the host: not once another start
        has succeeded there, and not when the host never saw the server.
    """

    host: str
    lease_id: str
    project_id: str
    at: datetime.datetime
    until: datetime.datetime
    message: str = ""
    counts: bool = True


def suspect(
    found: Collection[Failure],
    now: datetime.datetime,
    project_id: str | None = None,
) -> Failure | None:
    """The failure on whose account a host is suspect, if it is.

    :param found: all failures of the host.
    :param project_id: to this project; to everybody without.
    """
    speaking = [one for one in found if one.counts]
    if project_id is None:
        several = len({one.project_id for one in speaking}) > 1
    else:
        speaking = [one for one in speaking if one.project_id == project_id]
        several = len({one.lease_id for one in speaking}) > 1
    if not several:
        return None
    last = max(speaking, key=lambda one: one.until)
    return last if last.until > now else None


def of_lease(found: Collection[Failure], lease_id: str) -> Failure | None:
    """The failure of this lease, if it has one."""
    return next((one for one in found if one.lease_id == lease_id), None)
