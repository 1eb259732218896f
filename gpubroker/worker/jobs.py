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

"""Many small jobs on a few threads, each when it is due.

A job is a key, such as a lease's id. It is worked on by one thread at a time
and says itself when it wants the next turn, so that one process drives many
leases. A job that raises is logged and comes again later and later.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import futurist
from futurist import rejection

from gpubroker import errors
from gpubroker.services import ports
from gpubroker.worker import backoff

LOG = logging.getLogger(__name__)

#: Turns in a row that may be lost to others before that is an error.
_LOST_IN_A_ROW = 5


@dataclass(slots=True)
class _Job:
    due: float
    idle: float
    running: bool = False
    again: bool = False
    failures: int = 0


class Jobs:
    """:param work: one turn of a job; returns seconds after which it wants
        the next one; ``None`` = after its idle time.
    :param threads: at the most; 0: whoever gives the turns works by itself,
        on one job after the other.
    :param ready: called, from any thread, when a job has ended its turn.
    :param monotonic: a clock.
    :param meter: counts the turns, as ``<name>_turn``.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[str], float | None],
        threads: int,
        monotonic: Callable[[], float],
        ready: Callable[[], None] = lambda: None,
        meter: ports.Meter | None = None,
    ) -> None:
        self._meter = meter or ports.Uncounted()
        self._name = name
        self._work = work
        self._monotonic = monotonic
        self._ready = ready
        self._jobs: dict[str, _Job] = {}
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._turns = 0
        self._stopped = False
        self._executor = _executor(threads)

    def keep(self, wanted: Mapping[str, float], known: bool = False) -> None:
        """Make these the jobs there are: key -> idle time in seconds.

        A new one is due at once; one that is not wanted gets no turn more.

        :param known: only add; forget none.
        """
        now = self._monotonic()
        with self._lock:
            for key, idle in wanted.items():
                job = self._jobs.get(key)
                if job is None:
                    self._jobs[key] = _Job(due=now, idle=idle)
                    continue
                if idle < job.idle:
                    # Now something that needs more haste. Otherwise the
                    # pause that its last turn asked for stands.
                    job.due = min(job.due, now + idle)
                job.idle = idle
            if known:
                return
            for key in [k for k in self._jobs if k not in wanted]:
                if not self._jobs[key].running:
                    del self._jobs[key]

    def ring(self, key: str) -> bool:
        """Due now; once more if its turn is under way.

        :returns: whether there is such a job.
        """
        with self._lock:
            job = self._jobs.get(key)
            if job is None:
                return False
            job.due = self._monotonic()
            job.again = job.running
            return True

    def give_turns(self) -> float:
        """Start what is due.

        :returns: seconds until the next job is due; an hour without jobs.
        """
        now = self._monotonic()
        for key in self._due(now):
            if not self._begin(key):
                continue
            try:
                self._executor.submit(self._turn, key)
            except futurist.RejectedSubmission:
                self._not_begun(key)
                return 0.2
        with self._lock:
            if self._stopped:
                return 3600.0
            waits = [j.due - now for j in self._jobs.values() if not j.running]
        return max(0.0, min(waits, default=3600.0))

    def _due(self, now: float) -> list[str]:
        with self._lock:
            return [
                key
                for key, job in self._jobs.items()
                if not job.running and job.due <= now
            ]

    def _begin(self, key: str) -> bool:
        """Whether there is still a turn to give."""
        with self._lock:
            job = self._jobs.get(key)
            if job is None or job.running or self._stopped:
                return False
            job.running = True
            self._turns += 1
            return True

    def _not_begun(self, key: str) -> None:
        with self._changed:
            self._jobs[key].running = False
            self._turns -= 1
            self._changed.notify_all()

    def rest(self, timeout: float) -> bool:
        """Wait until no turn is under way; whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._turns, timeout)

    def stop(self, timeout: float) -> bool:
        """No turn begins any more; wait for those under way.

        :returns: whether all of them have ended.
        """
        with self._lock:
            self._stopped = True
        self._executor.shutdown(wait=False)
        return self.rest(timeout)

    def _turn(self, key: str) -> None:
        with self._lock:
            job, stopped = self._jobs[key], self._stopped
        wait = None
        began, outcome = self._monotonic(), ports.Outcome.DONE
        try:
            if not stopped:
                wait = self._work(key)
                job.failures = 0
        except errors.OutsideError as error:
            outcome = ports.Outcome.UNANSWERED
            LOG.warning("%s %s waits: %s", self._name, key, error.message)
        except (errors.ConcurrentUpdate, errors.NotFound) as error:
            outcome = ports.Outcome.OVERTAKEN
            wait = self._lost(job, key, error)
        except Exception:
            outcome = ports.Outcome.FAILED
            job.failures += 1
            LOG.exception("%s %s failed", self._name, key)
            wait = backoff.pause(job.failures)
        finally:
            self._end(job, wait)
        took = self._monotonic() - began
        self._meter.passed(f"{self._name.lower()}_turn", outcome, took)
        self._ready()

    def _lost(
        self, job: _Job, key: str, error: errors.GpubrokerError
    ) -> float:
        """Somebody else was first, or what it needs is gone. That is usual,
        and over with the next turn; where it is not, a turn that comes at
        once again and again would keep a thread busy and tell nobody."""
        job.failures += 1
        if job.failures < _LOST_IN_A_ROW:
            return 0.0 if isinstance(error, errors.ConcurrentUpdate) else 1.0
        LOG.warning(
            "%s %s does not come through, for the %dth time: %s",
            self._name,
            key,
            job.failures,
            error.message,
            exc_info=job.failures == _LOST_IN_A_ROW,
        )
        return backoff.pause(job.failures - _LOST_IN_A_ROW + 1)

    def _end(self, job: _Job, wait: float | None) -> None:
        with self._changed:
            now = self._monotonic()
            job.running = False
            job.due = now + (job.idle if wait is None else wait)
            if job.again:
                job.again = False
                job.due = now
            self._turns -= 1
            self._changed.notify_all()


def _executor(
    threads: int,
) -> futurist.ThreadPoolExecutor | futurist.SynchronousExecutor:
    if not threads:
        return futurist.SynchronousExecutor()
    # A thread's worth of work may wait beside those that run: more would only
    # grow old in the queue.
    return futurist.ThreadPoolExecutor(
        max_workers=threads,
        check_and_reject=rejection.reject_when_reached(threads),
    )
