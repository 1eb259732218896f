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
"""What can be said of a field while one types: the rules of single fields.

The same ones judge when the form is sent; the service judges again.
"""

from __future__ import annotations

import argparse
import base64
import re

from django.core import exceptions
from django.utils.translation import gettext as _

from gpubroker.client.cli import durations

#: A lease lasts from a minute to a year.
SHORTEST, LONGEST = 60, 31_536_000

#: Of user data in base64, which is Nova's own limit.
USER_DATA_LIMIT = 65535

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def name(text: str) -> str:
    """The name of a lease, which becomes that of its servers."""
    if text != text.strip():
        raise _wrong(_("A name has no space at either end."))
    if _CONTROL.search(text):
        raise _wrong(_("A name has no control characters."))
    if any(ord(char) > 0xFFFF for char in text):
        raise _wrong(_("Nova takes no emoji in the name of a server."))
    return text


def duration(text: str) -> int | None:
    """Seconds; ``None`` for no text, which means no end of its own."""
    if not text.strip():
        return None
    try:
        seconds = durations.parse_duration(text)
    except argparse.ArgumentTypeError:
        if text.strip().isdecimal():
            raise _wrong(
                _(
                    "%(number)s of what? Write %(number)sh for hours or "
                    "%(number)sd for days."
                )
                % {"number": text.strip()[:9]}
            ) from None
        raise _wrong(
            _(
                "This is no duration. Write for example 8h, 30m, 2d or "
                "1h30m (w, d, h, m, s)."
            )
        ) from None
    if not SHORTEST <= seconds <= LONGEST:
        raise _wrong(_("A lease lasts from a minute to a year."))
    return seconds


def user_data(text: str) -> str:
    """As the service takes it, in base64; empty stays empty."""
    encoded = base64.b64encode(text.encode()).decode("ascii")
    if len(encoded) > USER_DATA_LIMIT:
        raise _wrong(
            _("User data may have 48 KiB; this is %(size)d KiB.")
            % {"size": -(-len(text.encode()) // 1024)}
        )
    return encoded


def _wrong(sentence: str) -> exceptions.ValidationError:
    return exceptions.ValidationError(sentence)
