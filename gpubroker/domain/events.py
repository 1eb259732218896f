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

"""An event is one line of the history of a lease or a device."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks for a change.

    :param operator: the thing is another project's than the one that they
        act for, which only an operator's rights allow.
    """

    user_id: str = ""
    request_id: str = ""
    operator: bool = False


#: Nobody asked: the broker acts by itself.
BROKER = Actor()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Only ever inserted, until it is purged.

    :param kind: dotted, such as ``lease.active`` or ``device.fenced``.
    :param message: a sentence for people; holds no secret and, on a lease,
        no host, address or serial (those go into ``detail``, which only
        operators see).
    :param request_id: the request that it goes back to; empty = none.
    :param by: a user id or a part of the broker; empty = the broker.
    :param operator: it was an operator, whose id is none of the project's
        business.
    """

    id: int = 0
    at: datetime.datetime
    kind: str
    message: str
    lease_id: str | None = None
    device_id: str | None = None
    serial: str | None = None
    host: str | None = None
    request_id: str = ""
    by: str = ""
    operator: bool = False
    detail: dict[str, Any] = field(default_factory=dict)
