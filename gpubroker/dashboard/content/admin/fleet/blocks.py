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

"""Which slots of a host stand together. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TypeAlias

#: Slots, and groups of those that belong together, in the order of slots.
Nested: TypeAlias = "tuple[int | Nested, ...]"


def nested(slots: Sequence[int], blocks: Iterable[Collection[int]]) -> Nested:
    """Slots in the blocks of their board, the small in the large.

    Only what can be drawn in a row: a block whose slots are not neighbours,
    that goes beyond these slots, or that crosses a larger one is left out.

    :param slots: in order.
    """
    wanted = {frozenset(block) for block in blocks}
    inside = [block for block in wanted if block.issubset(slots)]
    return _nested(tuple(slots), sorted(inside, key=_rank))


def _nested(slots: Sequence[int], blocks: Sequence[frozenset[int]]) -> Nested:
    """:param blocks: the largest first."""
    found: list[int | Nested] = []
    place = 0
    while place < len(slots):
        size, smaller = _block_at(slots[place:], blocks)
        if size:
            inner = slots[place : place + size]
            found.append(_nested(inner, smaller))
        else:
            found.append(slots[place])
        place += size or 1
    return tuple(found)


def _block_at(
    slots: Sequence[int], blocks: Sequence[frozenset[int]]
) -> tuple[int, Sequence[frozenset[int]]]:
    """How many of the slots the largest block has that begins with them, and
    the blocks that may be inside it; 0 where there is none."""
    for index, block in enumerate(blocks):
        if len(block) > 1 and block == frozenset(slots[: len(block)]):
            return len(block), blocks[index + 1 :]
    return 0, ()


def _rank(block: frozenset[int]) -> tuple[int, list[int]]:
    return -len(block), sorted(block)


def of_slot(
    slot: int | None, blocks: Iterable[Collection[int]]
) -> list[list[int]]:
    """The blocks that it is part of, the small ones first."""
    its = (sorted(block) for block in blocks if slot in block)
    return sorted(its, key=lambda block: (len(block), block))
