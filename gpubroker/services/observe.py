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

"""Read what Placement shows of one host, with as few calls as it takes.

A provider's generation grows with every inventory, trait and new allocation,
but not when an allocation goes (N 2.3). So a card is read again when its
provider is another one or has moved on, or when a write of ours may have come
there, and its consumers also as long as it has some.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gpubroker import errors
from gpubroker.domain import devices
from gpubroker.domain.devices import Device
from gpubroker.domain.hosts import Capacity
from gpubroker.domain.hosts import Host
from gpubroker.domain.mirror import SeenCard
from gpubroker.domain.mirror import SeenHost
from gpubroker.services import ports


def host(
    ledger: ports.Ledger,
    known: Host,
    rows: Sequence[Device],
    traits: Mapping[str, tuple[str, ...]],
) -> SeenHost:
    """
    :param traits: device -> traits that its provider had when last read.
    :raises Unavailable: when Placement does not answer.
    """
    root = _root(ledger, known)
    if root is None:
        return SeenHost(root_id=None)
    by_provider = {row.provider_id: row for row in rows if row.provider_id}
    cards = []
    tree = ledger.tree(root.id)
    for provider in tree:
        address = address_of(provider.name, root.name)
        if provider.parent_id != root.id or address is None:
            continue
        row = by_provider.get(provider.id)
        if row is None or _in_doubt(row, provider):
            card = _read(ledger, provider, address)
        else:
            card = _reread(ledger, provider, address, row, traits)
        if card is not None:
            cards.append(card)
    return SeenHost(
        root_id=root.id,
        tree={provider.id: provider.name for provider in tree},
        capacities=_capacities(ledger, root.id),
        traits=tuple(ledger.traits(root.id)),
        cards=tuple(cards),
    )


def address_of(name: str, root_name: str) -> str | None:
    """The PCI address in the name of a card's provider (N 1.2)."""
    prefix = f"{root_name}_"
    if not name.startswith(prefix):
        return None
    try:
        return devices.address(name.removeprefix(prefix))
    except ValueError:
        return None


def _root(ledger: ports.Ledger, known: Host) -> ports.Provider | None:
    if known.provider_id is not None:
        try:
            found = ledger.provider(known.provider_id)
        except errors.NotFound:
            pass
        else:
            if found.name == known.hypervisor_hostname:
                return found
    by_name = ledger.provider_by_name(known.hypervisor_hostname)
    if by_name is None or by_name.parent_id is not None:
        return None
    return by_name


def _in_doubt(row: Device, provider: ports.Provider) -> bool:
    """Whether something may stand there that is not noted."""
    return (
        row.provider_generation != provider.generation
        or row.closing_generation is not None
    )


def _reread(
    ledger: ports.Ledger,
    provider: ports.Provider,
    address: str,
    row: Device,
    traits: Mapping[str, tuple[str, ...]],
) -> SeenCard:
    """A card whose provider has not moved on: at most it was given back."""
    consumers = row.consumers
    if consumers:
        consumers = tuple(sorted(ledger.consumers(provider.id)))
    return SeenCard(
        pci_address=address,
        provider_id=provider.id,
        provider_name=provider.name,
        generation=provider.generation,
        resource_class=row.resource_class,
        total=row.total,
        reserved=row.reserved,
        consumers=consumers,
        traits=traits.get(row.id, ()),
    )


def _read(
    ledger: ports.Ledger, provider: ports.Provider, address: str
) -> SeenCard | None:
    try:
        # Consumers last: what comes after the generation was read shows as
        # a newer generation next time.
        traits = ledger.traits(provider.id)
        inventories = ledger.inventories(provider.id)
        consumers = ledger.consumers(provider.id)
    except errors.NotFound:
        # Nova has just deleted it.
        return None
    inventory = _of_card(inventories.by_class)
    return SeenCard(
        pci_address=address,
        provider_id=provider.id,
        provider_name=provider.name,
        generation=provider.generation,
        resource_class=inventory.resource_class if inventory else None,
        total=inventory.total if inventory else None,
        reserved=inventory.reserved if inventory else None,
        consumers=tuple(sorted(consumers)),
        traits=tuple(traits),
    )


def _of_card(
    by_class: Mapping[str, ports.Inventory],
) -> ports.Inventory | None:
    """A card is counted in one class; of several the first is shown."""
    return by_class[min(by_class)] if by_class else None


def _capacities(ledger: ports.Ledger, root_id: str) -> tuple[Capacity, ...]:
    inventories = ledger.inventories(root_id)
    usages = ledger.usages(root_id)
    return tuple(
        Capacity(
            resource_class=name,
            total=found.total,
            reserved=found.reserved,
            allocation_ratio=found.allocation_ratio,
            used=usages.get(name, 0),
        )
        for name, found in sorted(inventories.by_class.items())
    )
