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

"""Pauses of which no two are alike.

Those who were sent away at the same moment would else come back at the same
moment.
"""

from __future__ import annotations

import random


def spread(seconds: float, least: float = 0.5) -> float:
    """:returns: from ``least`` times so long to one and a half times."""
    return seconds * random.uniform(least, 1.5)  # noqa: S311
