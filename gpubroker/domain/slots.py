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

"""Slots: the persistent numbers of a host's PCI addresses (A 3).

A number is given once and never changed when a card dies or is replaced:
Nova's aliases and the slot traits of provider.yaml are written with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from gpubroker.domain import traits


def number(
    known: Mapping[str, int],
    marked: Mapping[str, int],
    addresses: Collection[str],
) -> dict[str, int]:
    """Numbers for the addresses that have none yet.

    :param known: address -> number given before.
    :param marked: address -> number that its provider's trait says. A mark
        counts unless two addresses, or an earlier number, have it.
    """
    taken = set(known.values())
    new: dict[str, int] = {}
    wanting = sorted(set(addresses) - set(known))
    for address in wanting:
        mark = marked.get(address)
        if mark is None or mark in taken:
            continue
        if list(marked.values()).count(mark) == 1:
            new[address] = mark
            taken.add(mark)
    # Marks of other addresses stay free for them.
    taken.update(marked.values())
    for address in wanting:
        if address not in new:
            new[address] = _lowest(taken)
            taken.add(new[address])
    return new


def mark(found: Iterable[str]) -> int | None:
    """The slot that the traits of a card's provider name, if just one."""
    numbers = {
        int(digits)
        for trait in found
        if trait.startswith(traits.SLOT_PREFIX)
        and (digits := trait.removeprefix(traits.SLOT_PREFIX)).isdecimal()
    }
    return numbers.pop() if len(numbers) == 1 else None


def _lowest(taken: Collection[int]) -> int:
    candidate = 0
    while candidate in taken:
        candidate += 1
    return candidate
