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

"""The map: a row a host, a square a card."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gpubroker.client.sdk import device as device_sdk
from gpubroker.client.sdk import host as host_sdk
from gpubroker.client.sdk import model as model_sdk
from gpubroker.dashboard.content.admin.fleet import blocks
from gpubroker.dashboard.words import devices as device_words
from gpubroker.dashboard.words import fleet as words
from gpubroker.dashboard.words import hosts as host_words
from gpubroker.dashboard.words import states

Blocks = Mapping[str, Sequence[Sequence[int]]]


@dataclass(frozen=True, slots=True)
class Square:
    device_id: str
    seen: states.Seen
    #: What it says in words.
    label: str


@dataclass(frozen=True, slots=True)
class Part:
    """A square, or a block of parts."""

    square: Square | None = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """:ivar number: of the NUMA node; ``None`` where nobody told."""

    number: int | None
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Row:
    host: host_sdk.Host
    state: str
    mode: str
    #: Whether its free cards are given out, as far as the host goes.
    open: bool
    notes: tuple[str, ...]
    #: How many cards it has of which model, in words.
    models: tuple[str, ...]
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Fleet:
    rows: tuple[Row, ...]
    tally: states.Tally


def fleet(
    hosts: Sequence[host_sdk.Host],
    devices: Iterable[device_sdk.Device],
    models: Iterable[model_sdk.Model],
    now: datetime.datetime,
) -> Fleet:
    by_host: dict[str, list[device_sdk.Device]] = {h.name: [] for h in hosts}
    for device in devices:
        if device.host in by_host and is_gpu(device):
            by_host[device.host].append(device)
    known = {model.name: model.blocks or [] for model in models}
    placed = {name: in_place(found) for name, found in by_host.items()}
    cards = [states.seen(card) for its in placed.values() for card in its]
    return Fleet(
        rows=tuple(_row(h, placed[h.name], known, now) for h in hosts),
        tally=states.tally(cards),
    )


def is_gpu(device: device_sdk.Device) -> bool:
    """An agent reports other chips as well, such as that of a server's
    management controller; Placement has none of those."""
    return bool(device.model or device.provider)


def in_place(
    devices: Iterable[device_sdk.Device],
) -> list[device_sdk.Device]:
    """What is where, by slot: of several that were at one address, the one
    that is there, else the one that was there last."""
    latest: dict[str, device_sdk.Device] = {}
    for device in sorted(devices, key=_freshness):
        latest[device.pci_address] = device
    return sorted(latest.values(), key=_place)


def _freshness(device: device_sdk.Device) -> tuple[bool, str]:
    seen = device.last_seen_at or device.first_seen_at or ""
    return device.state == "present", seen


def _place(device: device_sdk.Device) -> tuple[bool, int, str]:
    return device.slot is None, device.slot or 0, device.pci_address


def _row(
    host: host_sdk.Host,
    cards: Sequence[device_sdk.Device],
    known: Blocks,
    now: datetime.datetime,
) -> Row:
    return Row(
        host=host,
        state=host_words.state(host),
        mode=host_words.mode(host),
        open=host.compute_state == "up" and host.mode == "manage",
        notes=tuple(host_words.notes(host, now)),
        models=tuple(device_words.models(cards)),
        nodes=tuple(_nodes(cards, known)),
    )


def _nodes(
    cards: Sequence[device_sdk.Device], known: Blocks
) -> Iterator[Node]:
    numbers = {card.numa_node for card in cards}
    its = list(_blocks_of(cards, known))
    for number in sorted(numbers, key=lambda n: (n is None, n or 0)):
        here = [card for card in cards if card.numa_node == number]
        squares = {card.slot: _square(card) for card in here}
        slots = [card.slot for card in here if card.slot is not None]
        parts = _parts(blocks.nested(slots, its), squares)
        loose = [Part(_square(card)) for card in here if card.slot is None]
        yield Node(number, (*parts, *loose))


def _blocks_of(
    cards: Sequence[device_sdk.Device], known: Blocks
) -> Iterator[list[int]]:
    """Of the cards' models, with the slots that such a card is in."""
    for name in {card.model for card in cards if card.model}:
        slots = {card.slot for card in cards if card.model == name}
        for block in known.get(name, ()):
            yield [slot for slot in block if slot in slots]


def _parts(
    found: blocks.Nested, squares: Mapping[int | None, Square]
) -> tuple[Part, ...]:
    return tuple(
        Part(squares[one])
        if isinstance(one, int)
        else Part(parts=_parts(one, squares))
        for one in found
    )


def _square(card: device_sdk.Device) -> Square:
    seen = states.seen(card)
    return Square(str(card.id), seen, words.label(card, seen))
