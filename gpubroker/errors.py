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

"""Every error that a room of gpubroker raises on purpose.

::

    GpubrokerError
    +-- Invalid                 the caller's input is wrong            400
    +-- Unauthenticated         the caller's token is none (any more)  401
    +-- Forbidden               the caller may not do this             403
    |   +-- CanNotDelegate      Keystone lets nobody act for them      403
    |   +-- QuotaExceeded       a limit of the project is reached      403
    +-- NotFound                no such thing, or not the caller's     404
    +-- Conflict                the thing is not in a state for this   409
    |   +-- Duplicate           the name is taken                      409
    |   +-- InUse               something still refers to it           409
    |   +-- ConcurrentUpdate    the generation sent is not current     409
    |   +-- CanNotWait          an order that no queue can hold         409
    |   +-- IllegalMove         the lease's state table has no such    409
    |                           move
    +-- PreconditionFailed      If-Match names an older generation     412
    +-- Undecipherable          no key fits what is stored             (held)
    +-- OutsideError            something outside the broker
        +-- Unavailable         down, slow or refusing: try again      503
        |   +-- Misconfigured   it refuses the broker itself           503
        |   +-- NotDone         it refuses for now; nothing was done   503
        |   +-- Forgotten       the database is older than the truth   503
        +-- Rejected            it understood and said no: final
        +-- RightsGone          the user's delegated rights do not     (held)
        |                       work at present, may come back
        +-- IdentityLost        the delegation itself is gone

``api/errors.py`` is the only place that turns them into HTTP answers.
"""

from __future__ import annotations

from typing import Any


class GpubrokerError(Exception):
    """Base of all; carries its message ready for people and its fields."""

    code = "gpubroker.error"

    def __init__(self, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields


class Invalid(GpubrokerError):
    """Input that can never work as it is.

    :param field: a path such as ``workload.image``, where one field is at
        fault.
    """

    code = "gpubroker.invalid"


class Unauthenticated(GpubrokerError):
    """A token that Keystone no longer knows, although it was known not long
    ago."""

    code = "gpubroker.unauthenticated"


class Forbidden(GpubrokerError):
    code = "gpubroker.forbidden"


class CanNotDelegate(Forbidden):
    """The token is good, but Keystone lets its user hand on no rights."""


class QuotaExceeded(Forbidden):
    code = "gpubroker.quota_exceeded"


class NotFound(GpubrokerError):
    code = "gpubroker.not_found"


class Conflict(GpubrokerError):
    code = "gpubroker.conflict"


class Duplicate(Conflict):
    code = "gpubroker.duplicate"


class InUse(Conflict):
    code = "gpubroker.in_use"


class ConcurrentUpdate(Conflict):
    code = "gpubroker.concurrent_update"


class CanNotWait(Conflict):
    """An order whose token lets nobody act for its user later, and that can
    not start at once, or not as fast as such a token has to be used."""

    code = "gpubroker.can_not_wait"


class IllegalMove(Conflict):
    code = "gpubroker.illegal_move"


class PreconditionFailed(GpubrokerError):
    code = "gpubroker.precondition_failed"


class OutsideError(GpubrokerError):
    code = "gpubroker.outside"


class Unavailable(OutsideError):
    """:param detail: the service's own words, where they are for the operator
        alone.
    :param seconds: before which the service wants no further request, where
        it said so.
    """

    code = "gpubroker.unavailable"


class Misconfigured(Unavailable):
    """No user's fault, and only an operator can mend it.

    :param detail: the service's own words, for the operator alone.
    """

    code = "gpubroker.misconfigured"


class NotDone(Unavailable):
    """The answer proves that nothing came of the call, and that the same
    call may work later.

    :param seconds: before which it should not be tried again; ``None`` where
        the service did not say.
    """


class Undecipherable(GpubrokerError):
    """What is stored encrypted can not be read with the keys there are.

    :param detail: for the operator: what is wrong and how to mend it.
    """

    code = "gpubroker.undecipherable"


class Forgotten(Unavailable):
    """The database lacks what the broker has done; an operator has to have
    it read again. Told to workers only."""


class Rejected(OutsideError):
    code = "gpubroker.rejected"


class RightsGone(OutsideError):
    code = "gpubroker.rights_gone"


class IdentityLost(OutsideError):
    code = "gpubroker.identity_lost"
