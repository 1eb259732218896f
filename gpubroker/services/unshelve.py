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

"""Let a shelved server come back onto its cards.

Nova frees the cards of a server that is shelved. Its lease keeps them, closed
in Placement against everybody, and so against the server as well: whoever
unshelves it gets no host, and it stays shelved. That Nova was asked stands in
its record of the server's actions. It is taken for the wish that it is: the
cards are opened for some minutes, in which to ask Nova again, and closed as
soon as the server holds them.

The broker can not ask Nova itself: the image that a shelved server comes back
from is its project's own, and Nova sets a server to ERROR whose image it can
not see.

The broker gives the cards to nobody else meanwhile: they stay claimed.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

from gpubroker.domain import leases
from gpubroker.domain import steps
from gpubroker.services import change
from gpubroker.services import held
from gpubroker.services import ports
from gpubroker.services import saga

#: The status of a server whose cards Nova has freed.
AWAY = "SHELVED_OFFLOADED"

#: For how long the cards are open.
_WINDOW = datetime.timedelta(minutes=5)
#: Seconds between looks meanwhile, and until they are open.
_AGAIN = 2.0
_SOON = 0.5

_KEPT = (
    "Its server is shelved and holds no cards; they are kept for it. "
    "Unshelve it to have them opened."
)
_OPENING = "Its server is shelved. Its cards are being opened for it."


def under_way(run: saga.Run, node: leases.Node) -> steps.Step | None:
    """A return that was begun and is not over."""
    return next(
        (
            step
            for step in run.all_of(node, steps.Saga.UNSHELVE)
            if step.state is steps.StepState.BEGUN
        ),
        None,
    )


def begin(
    run: saga.Run, node: leases.Node, server: ports.Server
) -> tuple[str, saga.Next]:
    """What is to be told of a node whose server is shelved, and when to look
    again: its cards are opened when somebody wants it back."""
    asked = run.core.compute.unshelve_asked(server.id)
    if asked is None or run.found(node, asked, steps.Saga.UNSHELVE):
        return _KEPT, None
    step = run.new(node, asked, steps.Saga.UNSHELVE)
    _write(
        run,
        step,
        lambda now: held.open_(now, node),
        "The cards are opened for the server to come back.",
    )
    return _OPENING, _SOON


def go_on(
    run: saga.Run,
    node: leases.Node,
    server: ports.Server | None,
    step: steps.Step,
) -> tuple[str, saga.Next]:
    """The same of one that comes back.

    :param server: none, when it was deleted meanwhile.
    :param step: what is ``under_way``.
    :returns: no words once it is over.
    """
    now = run.core.clock.now()
    late = now > step.begun_at + _WINDOW
    shelved = server if server and server.status == AWAY else None
    if shelved and (not late or shelved.task_state is not None):
        return _meanwhile(run, node, step)
    how = _how(server)
    _write(
        run,
        steps.finished(step, now, how),
        lambda now: held.close(now, node),
        f"The cards are closed again: {how}.",
    )
    return (_KEPT, None) if shelved else ("", 0.0)


def _how(server: ports.Server | None) -> str:
    if server is None:
        return "it was deleted"
    return "it did not come back" if server.status == AWAY else "it is back"


def _meanwhile(
    run: saga.Run, node: leases.Node, step: steps.Step
) -> tuple[str, saga.Next]:
    """Nobody is told to ask again as long as Placement refuses a card."""
    if any(card.reserved for card in run.cards(node)):
        return _OPENING, _SOON
    end = step.begun_at + _WINDOW
    words = (
        "Its server is shelved. Its cards are open for it until "
        f"{end:%Y-%m-%d %H:%M:%SZ}: unshelve it once more."
    )
    return words, _AGAIN


def _write(
    run: saga.Run,
    step: steps.Step,
    fence: Callable[[change.Change], None],
    words: str,
) -> None:
    """The step and what it is about in one transaction."""
    with run.change() as now:
        fence(now)
        if step.state is steps.StepState.BEGUN:
            now.tx.steps.begin(step)
        else:
            now.tx.steps.done(step)
        now.touch()
        now.say("lease.unshelve", words, request=step.name)
        now.ring_hosts()
