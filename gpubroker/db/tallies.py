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

"""Fences that a transaction sets and lifts, counted once it is written.

A transaction that is lost is done again: what it counted itself would count
twice.
"""

from __future__ import annotations

from sqlalchemy import orm

from gpubroker.domain import fences
from gpubroker.services import ports

_KEY = "gpubroker_tallies"


def fenced(
    session: orm.Session, reason: fences.Reason, *, lifted: bool = False
) -> None:
    session.info.setdefault(_KEY, []).append((reason, lifted))


def tell(session: orm.Session, meter: ports.Meter) -> None:
    """The transaction is committed."""
    for reason, lifted in session.info.pop(_KEY, ()):
        meter.fenced(reason, lifted=lifted)
