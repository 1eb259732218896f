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

"""How long to leave a service alone that does not answer.

Whoever waits for it comes back later and later, and not all at one moment: a
service that has too much to do gets fewer questions, not more.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from gpubroker import errors
from gpubroker.services import jitter

#: Seconds after the first time, and after many.
FIRST, MOST = 5.0, 30.0
#: Seconds, at the most, that a service may ask for with a Retry-After.
_LATEST = 300.0
#: Who is remembered; those who lost last stay.
_MANY = 10_000


class Patience:
    """Of one process; its threads share it.

    :param spread: a pause about as long as the one that it is given.
    """

    def __init__(
        self, spread: Callable[[float], float] = jitter.spread
    ) -> None:
        self._spread = spread
        self._lost: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def pause(
        self,
        key: str,
        error: errors.Unavailable,
        first: float = FIRST,
        most: float = MOST,
    ) -> float:
        """It got no answer once more.

        :param key: who asks, such as a lease's id.
        :param first: seconds after the first time in a row; twice as many
            after each further one, up to ``most``, and each spread.
        :returns: seconds; not less than the service itself asks for.
        """
        with self._lock:
            lost = self._lost.pop(key, 0)
            self._lost[key] = lost + 1
            while len(self._lost) > _MANY:
                self._lost.popitem(last=False)
        longest = max(first, most)
        usual = self._spread(min(first * 2 ** min(lost, 16), longest))
        asked = min(error.fields.get("seconds") or 0.0, _LATEST)
        return max(usual, asked)

    def lost(self, key: str) -> int:
        """Times in a row that it has got no answer."""
        with self._lock:
            return self._lost.get(key, 0)

    def over(self, key: str) -> None:
        """It got its answers."""
        with self._lock:
            self._lost.pop(key, None)
