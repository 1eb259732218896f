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

"""The step that makes the server, exactly once.

``POST /servers`` has no idempotency key. Each POST is written down first;
only one writer can begin it; after a POST without an answer its server is
looked for until it can no longer turn up, and only then comes another. Were
there two all the same, only one can get the ticket.
"""

from __future__ import annotations

from concurrent import futures

from gpubroker import errors
from gpubroker.domain import leases
from gpubroker.domain import steps
from gpubroker.services import behalf
from gpubroker.services import change
from gpubroker.services import evidence
from gpubroker.services import jitter
from gpubroker.services import names
from gpubroker.services import ports
from gpubroker.services import saga

#: Seconds between looks for a server whose POST got no answer.
_LOOK_AGAIN = 2.0
#: Times to write down a server that was made, against other writers.
_TRIALS = 5
#: Seconds after the first of them; twice as many after each other.
_PAUSE = 0.05
#: Seconds until a POST that was refused for now is tried again where Nova
#: does not say, twice as many each time; and never more than the last.
_SOON, _LATE = 5.0, 60.0
_LATEST = 300.0
#: Answers after which there is no server.
_REFUSALS = (errors.Rejected, errors.RightsGone, errors.IdentityLost)

_TAKEN = (
    "Another server of the project was booted from the flavor that the broker "
    "made for this lease, and took its place."
)


class User:
    """The lease's user, whose token is asked for while other things are
    made."""

    def __init__(self, run: saga.Run) -> None:
        self._run = run
        self._asked: futures.Future[ports.UserCloud] | None = None

    def ahead(self) -> None:
        """Ask for the token, once.

        :raises IdentityLost: there is nothing any more to ask for it with.
        """
        self._ask()

    def _ask(self) -> futures.Future[ports.UserCloud]:
        if self._asked is None:
            core = self._run.core
            cloud = behalf.cloud(
                core, self._run.lease, saga.delegation(self._run)
            )
            threads = futures.ThreadPoolExecutor(1)
            self._asked = threads.submit(_made_ready, cloud)
            threads.shutdown(wait=False)
        return self._asked

    def cloud(self) -> ports.UserCloud | None:
        """:raises IdentityLost, RightsGone, Unavailable: no token."""
        return self._ask().result()


class Caller(User):
    """One whose token an API process has, which makes the servers itself as
    soon as they can be made; whoever has not got it waits for that."""

    def __init__(
        self, run: saga.Run, mine: ports.UserCloud | None = None
    ) -> None:
        super().__init__(run)
        self._mine = mine

    def ahead(self) -> None:
        """There is nothing to ask for."""

    def cloud(self) -> ports.UserCloud | None:
        """:raises IdentityLost: its time is over."""
        behalf.check_in_time(self._run.core, saga.delegation(self._run))
        return self._mine


def _made_ready(cloud: ports.UserCloud) -> ports.UserCloud:
    cloud.ready()
    return cloud


def server(run: saga.Run, node: leases.Node, user: User) -> saga.Next:
    """Done when the node's server id is stored.

    :raises Rejected, IdentityLost, RightsGone: Nova's or Keystone's answer.
    :raises CloudFailure, Forgotten: somebody has the node's place.
    :raises NotDone: Nova refuses for ``seconds``.
    :raises Undecipherable: no key fits the user data.
    """
    if run.node(node).server_id is not None:
        return None
    made = evidence.posts(run, node)
    if evidence.unanswered(made):
        doubt = evidence.doubt(run, node, made)
        found = evidence.servers(run, node)
        if found:
            _store(run, node, next(iter(found)), made[-1], "found")
            return None
        if doubt:
            return _LOOK_AGAIN
    if not made and node.id not in run.fresh:
        _nobody_there(run, node)
    # Before the POST is written down, so that no answer can be lost.
    cloud = _cloud(run, user)
    if cloud is None:
        return _LOOK_AGAIN
    wanted = spec(run, node)
    step = run.begin(node, evidence.post_name(len(made) + 1), alone=True)
    try:
        found_id = cloud.create_server(wanted)
    except errors.NotDone as error:
        raise _later(run, step, error, len(made)) from error
    except _REFUSALS as error:
        _refused(run, step, error)
        if not _stored(run, node)[1]:
            raise errors.ConcurrentUpdate("Another has gone on.") from error
        raise
    _store(run, node, found_id, step, "")
    return None


def _refused(
    run: saga.Run, step: steps.Step, error: errors.OutsideError
) -> None:
    words = f"refused: {error.message}"[:255]
    run.done(step, words, steps.Result.REFUSED)


def _later(
    run: saga.Run, step: steps.Step, error: errors.NotDone, before: int
) -> errors.NotDone:
    """Nothing can turn up from this POST: the next one need not wait for
    that, but as long as Nova asks for."""
    words = f"refused for now: {error.message}"[:255]
    run.done(step, words, steps.Result.REPEATED)
    asked = error.fields.get("seconds")
    if asked is None:
        asked = min(_SOON * 2 ** min(before, 10), _LATE)
    pause = jitter.spread(min(asked, _LATEST), least=1.0)
    return errors.NotDone(error.message, seconds=max(pause, 1.0))


def _cloud(run: saga.Run, user: User) -> ports.UserCloud | None:
    """:raises IdentityLost: it is not that of the lease's user."""
    cloud = user.cloud()
    if cloud is not None:
        behalf.check_whose(run.lease, cloud)
    return cloud


def _nobody_there(run: saga.Run, node: leases.Node) -> None:
    """Nobody can hold a ticket for which no server was ever asked for, but
    for a member of the project who booted the shape.

    :raises CloudFailure: one did; the start is taken back, and that server
        with it.
    :raises ConcurrentUpdate: one was asked for since this turn began.
    :raises Forgotten: somebody else does, on whatever host it is.
    """
    ticket = saga.placed(node).ticket
    holders = run.core.ledger.ticket_holders(ticket)
    if not holders:
        return
    if evidence.asked_meanwhile(run, node):
        # By the process that has the user's token, since this turn began.
        raise errors.ConcurrentUpdate("Another has asked for the server.")
    if all(_of_a_member(run, node, holder) for holder in holders):
        raise saga.CloudFailure(_TAKEN, node, suspect=False)
    raise saga.Forgotten(node, holders)


def _of_a_member(run: saga.Run, node: leases.Node, holder: str) -> bool:
    """A server of the broker's would have the node's tag."""
    server = evidence.look(run.core, holder)
    return (
        server is not None
        and server.project_id == run.lease.project_id
        and names.tag(node) not in server.tags
    )


def spec(run: saga.Run, node: leases.Node) -> ports.ServerSpec:
    """What the user ordered, in the node's own shape.

    :raises Undecipherable: no key fits the user data.
    """
    work = run.lease.workload
    with run.core.store.read() as tx:
        user_data = tx.leases.user_data(run.lease.id)
    return ports.ServerSpec(
        name=names.server(run.lease, node),
        shape_id=saga.placed(node).shape,
        tag=names.tag(node),
        image=work.get("image"),
        networks=work.get("networks", "auto"),
        key_name=_key_name(run, node),
        security_groups=work.get("security_groups", ()),
        availability_zone=work.get("availability_zone"),
        user_data=user_data,
        boot_volume_gib=work.get("boot_volume_gib"),
        metadata=work.get("metadata", {}),
    )


def _key_name(run: saga.Run, node: leases.Node) -> str | None:
    """The user's own, or the copy that the broker's user has of it."""
    name: str | None = run.lease.workload.get("key_name")
    if name and run.lease.identity_mode is leases.IdentityMode.SERVICE:
        return saga.placed(node).shape
    return name


def _store(
    run: saga.Run,
    node: leases.Node,
    server_id: str,
    step: steps.Step,
    how: str,
) -> None:
    """Note the server, or remove it when it came too late to be wanted.

    A worker that stood still during its POST may find that another one has
    gone on without it.

    :raises ConcurrentUpdate: it was not wanted, or could not be written
        down: its POST is then one without an answer.
    """
    for trial in range(_TRIALS):
        try:
            kept = _note(run, node, server_id)
            break
        except errors.ConcurrentUpdate:
            # Renamed meanwhile, or another worker has gone on.
            stored, wanted = _stored(run, node)
            if stored == server_id or not wanted:
                kept = stored == server_id
                break
            _pause(run, trial)
    else:
        raise errors.ConcurrentUpdate(
            f"Server {server_id} could not be written down."
        )
    if kept:
        run.done(step, how)
        return
    # In this order: whoever takes the start back goes on as soon as no
    # answer is missing, and then has to know of the server.
    left = _leave(run, node, server_id)
    run.core.compute.delete_server(server_id)
    if left:
        run.done(step, "came when it was no longer wanted")
    raise errors.ConcurrentUpdate("The server came too late.")


def _leave(run: saga.Run, node: leases.Node, server_id: str) -> bool:
    """Tell whoever takes this start back of the server, so that nobody has
    to wait until it can no longer turn up.

    :returns: ``False`` when nobody does any more.
    """
    for trial in range(_TRIALS):
        try:
            with change.of(run.core, run.lease.id) as now:
                (found,) = (n for n in now.lease.nodes if n.id == node.id)
                if found.attempt != node.attempt or found.ticket is None:
                    return False
                if found.server_id is not None:
                    return found.server_id == server_id
                now.node(node.id, server_id=server_id, server_status="BUILD")
                now.ring_lease()
            return True
        except errors.ConcurrentUpdate:
            _pause(run, trial)
    return False


def _pause(run: saga.Run, trial: int) -> None:
    """Those who met once would else meet again."""
    run.core.clock.sleep(jitter.spread(_PAUSE * 2**trial))


def _note(run: saga.Run, node: leases.Node, server_id: str) -> bool:
    with run.change() as now:
        (found,) = (n for n in now.lease.nodes if n.id == node.id)
        if found.server_id is not None:
            return found.server_id == server_id
        now.node(node.id, server_id=server_id, server_status="BUILD")
        now.say(
            "lease.server",
            f"Server {names.server(now.lease, node)} is being made.",
            server=server_id,
        )
    return True


def _stored(run: saga.Run, node: leases.Node) -> tuple[str | None, bool]:
    """The server id that is stored, and whether one is still wanted."""
    with run.core.store.read() as tx:
        lease = tx.leases.get(run.lease.id)
    (found,) = (n for n in lease.nodes if n.id == node.id)
    wanted = (
        lease.state is leases.State.STARTING
        and lease.target is leases.State.ACTIVE
        and found.attempt == node.attempt
        and found.server_id is None
    )
    return found.server_id, wanted
