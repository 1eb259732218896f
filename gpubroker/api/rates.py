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

"""How often one caller may ask: a bucket of tokens for each.

In this process alone: several processes let through as much each. It is
there so that one project's loop can not take the API from all others, not to
count anybody's requests.
"""

from __future__ import annotations

import collections
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

#: Callers that are remembered; those who asked last stay.
MOST = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Rate:
    """:param per_minute: what each may ask in a minute, and at once after a
        minute without a request; 0 = no limit.
    :param monotonic: seconds that never go back.
    """

    def __init__(
        self, per_minute: int, monotonic: Callable[[], float]
    ) -> None:
        self._most = float(per_minute)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._buckets: collections.OrderedDict[str, _Bucket] = (
            collections.OrderedDict()
        )

    def take(self, who: str) -> int:
        """Count one request.

        :returns: 0 when it may pass; else after how many seconds the next
            one may. Only what passes counts, so that who asks in vain does
            not wait longer for it.
        """
        if not self._most:
            return 0
        with self._lock:
            now = self._monotonic()
            bucket = self._buckets.get(who)
            if bucket is None:
                bucket = self._buckets[who] = _Bucket(self._most, now)
                if len(self._buckets) > MOST:
                    self._buckets.popitem(last=False)
            self._buckets.move_to_end(who)
            grown = max(0.0, now - bucket.at) * self._most / 60
            bucket.tokens = min(self._most, bucket.tokens + grown)
            bucket.at = now
            if bucket.tokens >= 1:
                bucket.tokens -= 1
                return 0
            return math.ceil((1 - bucket.tokens) * 60 / self._most)
