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

"""Whether the machines agree on the time."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from gpubroker.services.checks import finding as f
from gpubroker.services.checks.mistakes import Mistake

#: Seconds. Answers are dated to the second and may be on their way for one
#: more; what the broker promises to the second must not be off by more.
TOLERANCE = 5.0


def clocks(ahead: Mapping[str, datetime.timedelta | None]) -> f.Findings:
    """
    :param ahead: by how much the clock of each is ahead of this machine's;
        ``None`` where it does not tell.
    """
    for name, offset in ahead.items():
        if offset is None:
            yield f.unseen(f"the answers of {name} bear no date.")
            continue
        seconds = offset.total_seconds()
        if abs(seconds) > TOLERANCE:
            way = "ahead of" if seconds > 0 else "behind"
            yield f.failure(
                Mistake.CLOCK_SKEW,
                f"The clock of {name} is {abs(seconds):.0f} s {way} that of "
                "this machine: leases end at the wrong time, and tokens and "
                "trusts count as over or not yet made. Run NTP (chrony) on "
                "both, and see which of them is wrong.",
            )
    if ahead:
        yield f.fact(f"Within {TOLERANCE:g} s: {', '.join(ahead)}.")
