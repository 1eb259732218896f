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

"""Naming the cause of a service's failure from the end of its log."""

import pathlib
import re

# What shows in a log -> what it means for the person at the keyboard.  The
# first that matches wins, so the sure ones come first.
_CAUSES = (
    (
        r"No space left on device|Disk is full|errno: 28\b|\[Errno 28\]"
        r"|enospc",
        "the disk is full: free some space where the state folder is, or "
        "choose another with --state",
    ),
    (
        r"Address already in use|eaddrinuse|Can't start server: Bind on TCP",
        "its port was taken by another program meanwhile: start again and "
        "another is found, or set --port-base",
    ),
    (
        r"Cannot allocate memory|MemoryError|Out of memory"
        r"|Cannot allocate .* bytes of memory",
        "not enough memory: the cloud needs about 3 GB",
    ),
    (
        r"ModuleNotFoundError: (No module named .*)|ImportError: (.*)",
        "the environment is damaged ({0}): remove .venv-cloud and .venv and "
        "run make sandbox again",
    ),
    (
        r"Access denied for user '(\w+)'",
        "the database refused user {0}: the state folder does not fit its "
        "passwords; remove it",
    ),
    (r"Permission denied: (.*)|Permission denied", "permission denied {0}"),
)
_ERROR_LINE = re.compile(
    r"\b(CRITICAL|ERROR)\b|^\w*(Error|Exception|Exit)\b.*:|^[\w.]+Error: "
)


def tail(log: pathlib.Path, offset: int, limit: int = 200_000) -> list[str]:
    """The lines written to a log from an offset on, at most the last part.

    Logs are foreign text: bytes that are not UTF-8 are replaced.
    """
    try:
        with open(log, "rb") as file:
            size = file.seek(0, 2)
            file.seek(max(offset, size - limit))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def cause(lines: list[str]) -> str | None:
    """One line that names the likely cause; None when nothing shows it."""
    for pattern, meaning in _CAUSES:
        for line in reversed(lines):
            match = re.search(pattern, line)
            if match:
                found = [group for group in match.groups() if group]
                return meaning.format(*(found or [""])).strip()
    for line in reversed(lines):
        if _ERROR_LINE.search(line):
            return line.strip()[:300]
    return None
