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

"""Lengths of time and points in time, as people write and read them.

Pure functions; the API itself speaks whole seconds and ISO 8601 in UTC.
"""

from __future__ import annotations

import argparse
import datetime
import re

_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}

_PART = re.compile(r"(?P<count>[0-9]{1,9})(?P<unit>[wdhms])")

_WHOLE = re.compile(r"(?:[0-9]{1,9}[wdhms])+")


def parse_duration(text: str) -> int:
    """Read a length of time, such as ``8h``, ``1h30m`` or ``2d``.

    Units are w, d, h, m and s; each once at most, the larger first. A bare
    number is refused, because ``8`` may mean hours to one and seconds to
    another, and the difference costs GPUs.

    :returns: seconds, at least 1.
    :raises argparse.ArgumentTypeError: with a sentence for people.

    >>> parse_duration("1h30m")
    5400
    """
    squeezed = re.sub(r"\s+", "", text).lower()
    if squeezed.isdecimal():
        raise argparse.ArgumentTypeError(
            f"{_short(text)} has no unit; write {_short(squeezed)}s, "
            f"{_short(squeezed)}m, {_short(squeezed)}h or "
            f"{_short(squeezed)}d"
        )
    if not _WHOLE.fullmatch(squeezed):
        raise argparse.ArgumentTypeError(
            f"{_short(text)!r} is not a duration; write for example 8h, "
            f"30m, 1h30m or 2d (w, d, h, m, s)"
        )
    parts = [(m["unit"], int(m["count"])) for m in _PART.finditer(squeezed)]
    units = [unit for unit, _ in parts]
    if units != sorted(set(units), key="wdhms".index):
        raise argparse.ArgumentTypeError(
            f"{_short(text)!r} is not a duration: each unit once, the "
            f"larger first, for example 1d12h"
        )
    seconds = sum(_SECONDS[unit] * count for unit, count in parts)
    if seconds == 0:
        raise argparse.ArgumentTypeError("a duration of zero is none")
    return seconds


def format_duration(seconds: float | None, parts: int = 2) -> str:
    """Write a length of time with its largest units.

    :param parts: how many units to show at most; the rest is dropped.

    >>> format_duration(5025)
    '1h23m'
    >>> format_duration(5025, parts=3)
    '1h23m45s'
    >>> format_duration(None)
    ''
    """
    if seconds is None:
        return ""
    left = int(abs(seconds))
    shown: list[tuple[int, str]] = []
    for unit, size in _SECONDS.items():
        if unit == "w":
            # Nobody says 1w1d of a server's time.
            continue
        count, left = divmod(left, size)
        if count or shown:
            shown.append((count, unit))
    text = "".join(f"{n}{unit}" for n, unit in shown[:parts] if n)
    sign = "-" if seconds <= -1 else ""
    return sign + (text or "0s")


def parse_time(text: str) -> str:
    """Read a point in time in ISO 8601, with a zone.

    :returns: the same in UTC, as the API takes it.
    :raises argparse.ArgumentTypeError: with a sentence for people.

    >>> parse_time("2026-12-01T09:00+01:00")
    '2026-12-01T08:00:00Z'
    """
    try:
        moment = datetime.datetime.fromisoformat(text.strip())
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{_short(text)!r} is not a time; write for example "
            f"2026-12-01T08:00Z"
        ) from None
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"{_short(text)} has no time zone; add Z for UTC, or an offset "
            f"such as +01:00"
        )
    try:
        in_utc = moment.astimezone(datetime.UTC)
    except OverflowError:
        raise argparse.ArgumentTypeError(
            f"{_short(text)} is out of range"
        ) from None
    return in_utc.strftime("%Y-%m-%dT%H:%M:%SZ")


def read_time(text: str | None) -> datetime.datetime | None:
    """A time of the API as an aware datetime; ``None`` for what is none."""
    if not text:
        return None
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=datetime.UTC)
    return moment


def format_time(text: str | None) -> str:
    """A time of the API to the second, as people read it.

    >>> format_time("2026-12-01T08:00:14.987Z")
    '2026-12-01T08:00:14Z'
    """
    moment = read_time(text)
    if moment is None:
        return text or ""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_between(begin: str | None, end: str | None) -> float | None:
    """Seconds from one time of the API to another, where both are there."""
    first, second = read_time(begin), read_time(end)
    if first is None or second is None:
        return None
    return (second - first).total_seconds()


def format_until(text: str | None, now: datetime.datetime) -> str:
    """How far a time of the API is from now.

    >>> format_until("2026-12-01T08:00:00Z",
    ...              read_time("2026-12-01T06:30:00Z"))
    'in 1h30m'
    """
    moment = read_time(text)
    if moment is None:
        return text or ""
    seconds = (moment - now).total_seconds()
    if seconds < 0:
        return f"{format_duration(-seconds)} ago"
    return f"in {format_duration(seconds)}"


def _short(text: str) -> str:
    """A megabyte of nonsense needs no echo."""
    return text if len(text) <= 40 else text[:40] + "..."
