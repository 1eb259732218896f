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
"""Sizes, as people say them."""

from __future__ import annotations


def gibibytes(mib: int) -> str:
    """A size of memory, as people say it.

    >>> gibibytes(81920)
    '80 GiB'
    """
    return f"{round(mib / 1024, 1):g} GiB"
