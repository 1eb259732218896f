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


"""Times as the API writes them."""

from __future__ import annotations

import datetime
from typing import Protocol


class Stamped(Protocol):
    """Anything with the two times that every row has."""

    @property
    def created_at(self) -> datetime.datetime | None: ...
    @property
    def updated_at(self) -> datetime.datetime | None: ...


def iso(value: datetime.datetime | None) -> str | None:
    """ISO 8601 in UTC, whole seconds, with a Z."""
    return _text(value, "seconds")


def exact(value: datetime.datetime | None) -> str | None:
    """The same with milliseconds, for what people measure: the steps of a
    start take less than a second each."""
    return _text(value, "milliseconds")


def _text(value: datetime.datetime | None, precision: str) -> str | None:
    if value is None:
        return None
    text = value.astimezone(datetime.UTC).isoformat(timespec=precision)
    return text.replace("+00:00", "Z")


def stamps(thing: Stamped) -> dict[str, str | None]:
    return {
        "created_at": iso(thing.created_at),
        "updated_at": iso(thing.updated_at),
    }
