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

"""The leases whose servers this process makes with the callers' own tokens.

A few threads, begun when there are leases for them, that end with the last.
The request itself is answered before: an order of many servers takes longer
than load balancers wait, and a thread of the web server that waited for Nova
would be missing for everybody else. Several, since a token may be used for a
short time only, and one lease whose Nova hangs must not use up that of the
others. A process that is told to go makes them first; what dies with one that
is killed the worker ends.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from gpubroker.services import ports
from gpubroker.services import saga

LOG = logging.getLogger(__name__)

#: Leases that are looked at side by side, at most.
THREADS = 16
#: Seconds that a process which is told to go has for them: less than web
#: servers give it (gunicorn's graceful_timeout is 30).
GRACE = 20.0
#: Seconds until the next look after something unforeseen.
_AGAIN = 2.0


class Callers:
    """:param drive: one look at a lease, with the token of its order; returns
    the seconds until the next one, ``None`` when it was the last. No lease is
    looked at twice at a time.
    :param monotonic: a clock.
    """

    def __init__(
        self,
        drive: Callable[[str, ports.UserCloud], saga.Next],
        monotonic: Callable[[], float],
    ) -> None:
        self._drive = drive
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._due: dict[str, tuple[float, ports.UserCloud]] = {}
        self._looking = 0
        self._threads = 0

    def take(self, lease_id: str, cloud: ports.UserCloud) -> None:
        """Returns at once."""
        with self._changed:
            self._due[lease_id] = self._monotonic(), cloud
            if self._threads < min(THREADS, len(self._due) + self._looking):
                self._threads += 1
                # Waited for at the end of the process by finish(), which
                # takes no longer than it may; what is cut off ends well.
                threading.Thread(
                    target=self._run, name="callers", daemon=True
                ).start()
            self._changed.notify_all()

    def rest(self, timeout: float) -> bool:
        """Wait until there is none left; whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._threads, timeout)

    def finish(self) -> None:
        """The process ends: use the tokens that would be lost with it, if
        that can be done in ``GRACE``."""
        if not self.rest(GRACE):
            LOG.warning("Ends with orders whose servers are not made yet")

    def _run(self) -> None:
        """Ends when others look at all that there is: never with fewer
        threads left than leases, up to ``THREADS``."""
        while True:
            with self._changed:
                if not self._due:
                    self._threads -= 1
                    self._changed.notify_all()
                    return
                lease_id = min(self._due, key=lambda key: self._due[key][0])
                due, cloud = self._due[lease_id]
                wait = due - self._monotonic()
                if wait > 0:
                    self._changed.wait(wait)
                    continue
                del self._due[lease_id]
                self._looking += 1
            self._look(lease_id, cloud)

    def _look(self, lease_id: str, cloud: ports.UserCloud) -> None:
        try:
            wait = self._drive(lease_id, cloud)
        except Exception:
            # A thread that ended here would count as one that still looks.
            LOG.exception("Lease %s", lease_id)
            wait = _AGAIN
        with self._changed:
            self._looking -= 1
            if wait is not None:
                self._due[lease_id] = self._monotonic() + wait, cloud
            # Another thread may wait for one that is due later, or for none.
            self._changed.notify_all()
