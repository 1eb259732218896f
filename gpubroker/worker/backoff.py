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

"""How long to wait before a trial of what goes on failing."""

from __future__ import annotations

#: Seconds between two trials, at the most.
_LONGEST = 60.0


def pause(failures: int) -> float:
    """:param failures: how often it has failed in a row, at least once.
    :returns: seconds; twice as many after each further failure.
    """
    return min(_LONGEST, 2.0 ** min(failures - 1, 6))
