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

"""Lists as people write them in a form: one thing a line. Pure.

What can not be read raises ``ValueError`` with the line at fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def lines(text: str) -> list[str]:
    """Without what is empty or said twice; the order stays.

    >>> lines("b, a\\n\\nb")
    ['b', 'a']
    """
    words = text.replace(",", "\n").splitlines()
    return list(dict.fromkeys(word.strip() for word in words if word.strip()))


def pairs(text: str) -> dict[str, str]:
    """
    >>> pairs("hw:cpu_policy = dedicated")
    {'hw:cpu_policy': 'dedicated'}
    """
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        key, equals, value = line.partition("=")
        key, value = key.strip(), value.strip()
        if not (key and equals and value) or key in found:
            raise ValueError(line)
        found[key] = value
    return found


def blocks(text: str) -> list[list[int]]:
    """
    >>> blocks("0,1\\n2,3")
    [[0, 1], [2, 3]]
    """
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        parts = [part.strip() for part in line.split(",")]
        if not all(_is_slot(part) for part in parts):
            raise ValueError(line)
        found.append([int(part) for part in parts])
    return found


def _is_slot(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 4


def from_lines(words: Iterable[str]) -> str:
    return "\n".join(words)


def from_pairs(found: Mapping[str, str]) -> str:
    return "\n".join(f"{key}={value}" for key, value in found.items())


def from_blocks(found: Iterable[Iterable[int]]) -> str:
    return "\n".join(",".join(map(str, block)) for block in found)
