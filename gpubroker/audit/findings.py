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

"""What an audit may find."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass

from gpubroker.audit.snapshot import Time


class Severity(enum.StrEnum):
    ERROR = "error"
    """Lost, doubled, left over, or two services disagree."""
    WARNING = "warning"
    """Works, and somebody should look at it."""
    NOTE = "note"
    """Worth knowing; nothing to be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One sentence for an operator, and what to do.

    :param code: stable; for programs, and for the table in the guide.
    :param about: the things it is about, by name; with the code it says
        whether two looks found the same.
    :param since: since when it is so at the longest; ``None`` when nobody
        knows.
    :param vague: it may be younger than that: something is so that was not
        always so, and nobody tells since when.
    :param lasting: a fact that no change under way can feign, so that one
        look is enough.
    :param incomplete: something could not be looked at, so that nothing
        found there says nothing.
    """

    code: str
    severity: Severity
    about: tuple[str, ...]
    sentence: str
    advice: str = ""
    since: Time = None
    vague: bool = False
    lasting: bool = False
    incomplete: bool = False

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        return self.code, self.about


def error(
    code: str,
    about: tuple[str, ...],
    sentence: str,
    advice: str,
    since: Time = None,
    vague: bool = False,
) -> Finding:
    return Finding(
        code=code,
        severity=Severity.ERROR,
        about=about,
        sentence=sentence,
        advice=advice,
        since=since,
        vague=vague,
    )


def warning(
    code: str,
    about: tuple[str, ...],
    sentence: str,
    advice: str,
    since: Time = None,
    lasting: bool = False,
) -> Finding:
    return Finding(
        code=code,
        severity=Severity.WARNING,
        about=about,
        sentence=sentence,
        advice=advice,
        since=since,
        lasting=lasting,
    )


def unseen(found: Finding) -> Finding:
    """The same, of something that could not be looked at."""
    return dataclasses.replace(found, lasting=True, incomplete=True)


def note(code: str, about: tuple[str, ...], sentence: str) -> Finding:
    return Finding(
        code=code,
        severity=Severity.NOTE,
        about=about,
        sentence=sentence,
        lasting=True,
    )


def latest(*times: Time) -> Time:
    """The latest; ``None`` when one of them is not known.

    A thing that several changes may have made is as old as the last.
    """
    known = [time for time in times if time is not None]
    return max(known) if len(known) == len(times) else None
