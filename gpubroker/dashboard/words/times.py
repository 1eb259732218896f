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
"""Times and lengths of time, in the person's zone and language."""

from __future__ import annotations

import datetime

from django.utils import formats
from django.utils import timesince
from django.utils import timezone

from gpubroker.client.cli import durations

read = durations.read_time


def moment(text: str | None) -> str:
    """A time of the API; empty where there is none."""
    found = durations.read_time(text)
    return when(found) if found else ""


def when(found: datetime.datetime) -> str:
    """A time with its zone, since not everybody knows what theirs is."""
    local = timezone.localtime(found)
    shown = formats.date_format(local, "DATETIME_FORMAT")
    return f"{shown} {local.tzname()}"


def exact(text: str | None) -> str:
    """A time of the API to the second, for what follows closely."""
    found = durations.read_time(text)
    if found is None:
        return ""
    local = timezone.localtime(found)
    day = formats.date_format(local, "DATE_FORMAT")
    return f"{day}, {local:%H:%M:%S} {local.tzname()}"


def until(text: str | None, now: datetime.datetime) -> str:
    """How long it is from now to a time of the API; empty where past."""
    found = durations.read_time(text)
    if found is None or found <= now:
        return ""
    return timesince.timeuntil(found, now)


def length(seconds: float) -> str:
    """Seconds in words: 2 hours, 30 minutes."""
    start = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
    return timesince.timesince(
        start, start + datetime.timedelta(seconds=seconds)
    )
