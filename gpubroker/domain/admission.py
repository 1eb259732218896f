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

"""Whether a pool takes a card without being asked."""

from __future__ import annotations

from gpubroker.domain.devices import Device
from gpubroker.domain.devices import Health
from gpubroker.domain.fences import Fence
from gpubroker.domain.fences import Reason
from gpubroker.domain.pools import Admission
from gpubroker.domain.pools import Pool

#: Who sets and lifts ``unadmitted``.
BY = "admission"


def admits(pool: Pool, device: Device) -> bool:
    """Automatic admission is for cards that can be named and that nothing
    speaks against."""
    return (
        pool.admission is Admission.AUTOMATIC
        and device.model is not None
        and device.health not in (Health.BAD, Health.SUSPECT)
    )


def waits(pool: Pool, before: Device | None, after: Device) -> bool:
    """Whether somebody has to admit a card from now on.

    Not before anybody could be given it: what an agent reports, no model
    names and Placement does not count may be no more than the graphics chip
    of a management controller.

    :param before: the card as it was known; ``None`` when it was not.
    """
    begins = _given_out(after) and not (before and _given_out(before))
    return begins and not admits(pool, after)


def _given_out(device: Device) -> bool:
    return device.model is not None or device.provider_id is not None


def fence(device: Device) -> Fence:
    """The fence of a card that nobody has admitted yet."""
    detail = "Seen for the first time."
    if device.model is None:
        detail = "Seen for the first time, and of no known model."
    return Fence(
        device_id=device.id,
        reason=Reason.UNADMITTED,
        detail=detail,
        by=BY,
    )
