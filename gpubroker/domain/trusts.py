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
"""A trust from before Keystone is asked for it until a lease has it.

Keystone gives a trust its id, but knows it by its maker, its project and the
second of its end, too (N 15.5): a row with these is written first, so that a
trust whose order came to nothing is found again, and no other is touched.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

#: Who made it, in which project, and when it ends.
Key = tuple[str, str, datetime.datetime]

#: Seconds after which a trust that was to be deleted is looked for, doubled
#: each time that it is still there, and the most that this may become.
_PAUSE, _LONGEST = 60.0, 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """:param user_id: who makes it.
    :param expires_at: to the second.
    :param tries: times that it was deleted; from the first on no order may
        use it any more.
    """

    user_id: str
    project_id: str
    expires_at: datetime.datetime
    begun_at: datetime.datetime
    tries: int = 0
    tried_at: datetime.datetime | None = None

    @property
    def key(self) -> Key:
        return self.user_id, self.project_id, self.expires_at

    def due(self, now: datetime.datetime, order_seconds: float) -> bool:
        """Whether it is to be looked at.

        :param order_seconds: the longest that an order may take.
        """
        if self.tried_at is None:
            return now >= self.begun_at + _seconds(order_seconds)
        pause = min(_PAUSE * 2.0 ** min(self.tries - 1, 20), _LONGEST)
        return now >= self.tried_at + _seconds(pause)


def _seconds(count: float) -> datetime.timedelta:
    return datetime.timedelta(seconds=count)
