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

"""What becomes of a start that can not go on now, or not at all.

========  ===========================  =================  ====================
          for                          the cards          at start_timeout
========  ===========================  =================  ====================
bounded   nothing: it takes its time   kept               ``retry``, or set
                                                          aside
hold      what is wrong with the       kept               ``retry``
          order and may be mended
unread    the same, of user data that  kept               ``retry``
          no key opens
wait_for  a service that is away, or   kept               set aside: given
          refuses the broker                              back, queued, not
                                                          counted; kept where
                                                          Nova has the servers
stand_by  what a person has to judge   kept               nothing: kept
retry     a start that failed          given back; the
                                       last time for
                                       good
fail      an order that can not work   given back
gone      a user who wants it no more  given back
========  ===========================  =================  ====================

Only ``retry`` counts an attempt.
"""

from __future__ import annotations

import datetime
import functools
import logging

from gpubroker import errors
from gpubroker.domain import failures
from gpubroker.domain import leases
from gpubroker.services import change
from gpubroker.services import evidence
from gpubroker.services import jitter
from gpubroker.services import saga

LOG = logging.getLogger(__name__)

#: What the user is told of a service that is down.
NO_ANSWER = (
    "A service of the cloud does not answer at present; the start goes on "
    "by itself when it does."
)
#: Seconds, about, until a start that was kept back so long that its cards
#: were given back is planned again.
_ASIDE = 60.0


def retry(run: saga.Run, failure: saga.CloudFailure) -> saga.Next:
    """The cloud failed: undo, then queue again, within the budget."""
    settings = run.core.settings
    attempts = run.lease.attempts + 1
    number = f"Start {attempts} of {settings.start_attempts} failed"
    reason = f"{number}: {failure.message}"
    with run.change() as now:
        if failure.suspect:
            _blame(run, now, failure)
        now.node(failure.node.id, fault=failure.message)
        if attempts >= settings.start_attempts:
            now.move(
                leases.State.ENDING,
                leases.State.FAILED,
                reason=reason,
                end_cause=leases.EndCause.START_FAILED,
                attempts=attempts,
            )
        else:
            delay = settings.retry_delay * 2 ** (attempts - 1)
            now.move(
                leases.State.STARTING,
                leases.State.QUEUED,
                reason=f"{_sentence(reason)} It will be tried again.",
                attempts=attempts,
                not_before=now.now + datetime.timedelta(seconds=delay),
            )
        now.say("lease.start_failed", reason, host=failure.node.host or "")
    return 0.0


def _sentence(words: str) -> str:
    """Nova's own words often end without a full stop."""
    words = words.strip()
    return words if words.endswith((".", "!", "?")) else f"{words}."


def fail(run: saga.Run, message: str) -> saga.Next:
    """The order itself can not work: undo, then ``failed``."""
    with run.change() as now:
        refuse(now, message)
    return 0.0


def refuse(now: change.Change, message: str) -> None:
    """On its way to ``failed``, be it that no start was begun."""
    now.move(
        leases.State.ENDING,
        leases.State.FAILED,
        reason=message,
        end_cause=leases.EndCause.START_FAILED,
    )
    now.say("lease.start_refused", f"Could not start: {message}")


def gone(run: saga.Run, node: leases.Node) -> saga.Next:
    """The user deleted the server before it was up: they want no lease."""
    with run.change() as now:
        now.move(
            leases.State.ENDING,
            leases.State.ENDED,
            end_cause=leases.EndCause.SERVER_GONE,
        )
        now.say("lease.ending", f"The server of node {node.index} is gone.")
    return 0.0


def hold(run: saga.Run, message: str, wait: float) -> saga.Next:
    """Something of this order is in the way, and may be mended: wait, as
    long as a start may take."""
    stand_by(run, message, wait)
    if not _overdue(run):
        return wait
    # The host had no part in it.
    return _too_late(run, message, suspect=False)


def unread(
    run: saga.Run, error: errors.Undecipherable, wait: float
) -> saga.Next:
    """``hold`` until an operator, whom the log tells more, has the key."""
    LOG.error("Lease %s: %s", run.lease.id, error.fields["detail"])
    return hold(run, error.message, wait)


def wait_for(run: saga.Run, message: str, wait: float) -> saga.Next:
    """A service is away, or refuses the broker: wait, however long it takes.

    The cards are kept as long as a start may take. Then they are given back,
    and the lease comes again: an outage costs waiting, not a start. Where
    Nova has all servers, or may have, they hold the cards anyway, and nothing
    would be won by making them anew.
    """
    stand_by(run, message, wait)
    if all(_posted(run, node) for node in run.nodes) or not _overdue(run):
        return wait
    return _set_aside(run, message)


def stand_by(run: saga.Run, message: str, wait: float) -> float:
    """Wait where things are as they are until somebody has looked."""
    LOG.warning("Lease %s waits: %s", run.lease.id, message)
    if run.lease.reason != message:
        with run.change() as now:
            now.set(reason=message)
    return wait


def _posted(run: saga.Run, node: leases.Node) -> bool:
    """Whether Nova has a server of the node, or may have one."""
    if node.server_id is not None:
        return True
    return evidence.unanswered(evidence.posts(run, node))


def bounded(run: saga.Run, wait: float) -> saga.Next:
    """Wait on, unless the start takes longer than it may."""
    unanswered = any(
        node.server_id is None and _posted(run, node) for node in run.nodes
    )
    if not _overdue(run):
        if run.lease.reason and not unanswered:
            # What kept it back is over.
            with run.change() as now:
                now.set(reason="")
        return wait
    if unanswered:
        # Nova, or what Nova needs for it, was away at the POST.
        return _set_aside(run, run.lease.reason or NO_ANSWER)
    return _too_late(run, "it did not come up.", suspect=True)


def _overdue(run: saga.Run) -> bool:
    age = run.core.clock.now() - _since(run)
    return age.total_seconds() > run.core.settings.start_timeout


def _since(run: saga.Run) -> datetime.datetime:
    """When it began; when its last server began to boot, once all are made.

    So what a service that was away has cost before is not taken from the
    time to boot.
    """
    boots = [run.found(node, "boot") for node in run.nodes]
    begun = [step.begun_at for step in boots if step is not None]
    return max(begun) if len(begun) == len(boots) else run.begun_at()


def _too_late(run: saga.Run, why: str, suspect: bool) -> saga.Next:
    node = _slowest(run)
    limit = run.core.settings.start_timeout
    return retry(
        run,
        saga.CloudFailure(
            f"Not started within {limit:.0f} s: {why}",
            node,
            # Without a server the host had no part in it.
            suspect=suspect and node.server_id is not None,
        ),
    )


def _set_aside(run: saga.Run, message: str) -> saga.Next:
    """Take the start back and queue again, without counting it.

    With jitter, so that not all come at the same moment to a service that has
    just come back.
    """
    pause = jitter.spread(_ASIDE)
    with run.change() as now:
        now.move(
            leases.State.STARTING,
            leases.State.QUEUED,
            reason=message,
            not_before=now.now + datetime.timedelta(seconds=pause),
        )
        now.say("lease.waiting", message)
    return 0.0


def _slowest(run: saga.Run) -> leases.Node:
    """The node to blame: the first that is not proven to run."""
    for node in run.nodes:
        step = run.found(node, "boot")
        if step is None or step.done_at is None:
            return node
    return run.nodes[0]


def _blame(
    run: saga.Run, now: change.Change, failure: saga.CloudFailure
) -> None:
    """Note that the lease failed on the host, and what follows from that.

    Nova's scheduler goes by Nova's own record of a host's PCI devices, which
    trails Placement by about two seconds: the cards of a server that was just
    deleted have no valid host, although they are free. So the first such
    failure says nothing of the host, and the lease may come back soon.
    Where the deletion fell into Nova's own periodic look at the host, its
    record stays wrong until the next one (seen on Nova 34): so the second
    keeps the lease away for longer than that.
    """
    name = failure.node.host
    if name is None:
        return
    settings = run.core.settings
    since = now.now - datetime.timedelta(seconds=settings.suspect_window)
    known = [
        one
        for one in now.tx.failures.of_hosts([name]).get(name, ())
        if one.at >= since
    ]
    again = failures.of_lease(known, run.lease.id) is not None
    trailing = failure.unplaced and not again
    seconds = 0.0 if trailing else settings.suspect_seconds
    found = failures.Failure(
        host=name,
        lease_id=run.lease.id,
        project_id=run.lease.project_id,
        at=now.now,
        until=now.now + datetime.timedelta(seconds=seconds),
        message=failure.message,
        counts=not trailing,
    )
    now.tx.failures.note(found, since)
    if failures.suspect([*known, found], now.now) is found:
        now.after(functools.partial(_tell, found))


def _tell(found: failures.Failure) -> None:
    LOG.warning(
        "Host %s is suspect until %s: starts of several projects failed "
        "there; the last one: %s",
        found.host,
        found.until,
        found.message,
    )
