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


"""What Nova needs to know of a GPU host, as the files an operator installs.

``nova.conf`` gets the alias vocabulary (one word for any card of a model and
one for each slot), which has to be the same in nova-api and in every
nova-compute, and the ``device_spec`` of the host. ``provider.yaml`` marks
each card's provider with the trait of its slot (N 15.1, 15.2).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from gpubroker import errors
from gpubroker.domain import devices
from gpubroker.domain import hosts
from gpubroker.domain import models
from gpubroker.domain import traits
from gpubroker.services import broker
from gpubroker.services import ports

#: Slot words a model has at least: the largest common board.
_SLOTS = 8

#: nova/compute/provider_config.py, SCHEMA_V1 and os_traits.is_custom.
_TRAIT = re.compile(r"CUSTOM_[A-Z0-9_]{1,248}")
_VERSION = re.compile(r"1\.(0|[1-9][0-9]*)")
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Rendered:
    """:param slots: PCI address -> persistent slot number."""

    nova_conf: str
    provider_yaml: str
    slots: Mapping[str, int]


def render(core: broker.Broker, name: str) -> Rendered:
    """The files of the host ``name``.

    :raises NotFound: when there is no such host; Conflict: when what it
        needs can not be said to Nova.
    """
    with core.store.read() as tx:
        host = tx.hosts.get(name)
        slots = tx.hosts.slots(name)
        cards = _present(tx.devices.of_host(name))
        known = {model.name: model for model in tx.models.all()}
        vocabulary = aliases(tx)
    # What else an agent reports may be no GPU: a BMC has a VGA chip.
    gpus = [card for card in cards if card.model in known]
    text = _provider_yaml(host, gpus, slots)
    check_provider_config(yaml.safe_load(text))
    return Rendered(
        nova_conf=_nova_conf(host, cards, known, vocabulary),
        provider_yaml=text,
        slots={
            card.pci_address: slots[card.pci_address]
            for card in gpus
            if card.pci_address in slots
        },
    )


def _present(found: Iterable[devices.Device]) -> list[devices.Device]:
    present = [d for d in found if d.state is devices.State.PRESENT]
    return sorted(present, key=lambda card: card.pci_address)


def aliases(tx: ports.Transaction) -> list[dict[str, str]]:
    """Those that nova-api and every nova-compute have to know: for each
    model that is in use the one of any card and those of the slots.

    Not of one host alone: the list is the same on all of them, and a model
    of a flavor is there before its first card.
    """
    known = {model.name: model for model in tx.models.all()}
    slots: dict[str, int] = {}
    for flavor in tx.flavors.all():
        slots.update((name, 0) for name in flavor.models if name in known)
    for card in tx.devices.all():
        if card.model is not None and card.model in known:
            last = slots.get(card.model, 0)
            slots[card.model] = max(last, (card.slot or 0) + 1)
    return [
        alias
        for name, model in sorted(known.items())
        if name in slots
        for alias in _aliases(
            model, max(_SLOTS, model.board_slots, slots[name])
        )
    ]


# -- nova.conf ---------------------------------------------------------------


def _nova_conf(
    host: hosts.Host,
    cards: list[devices.Device],
    known: Mapping[str, models.Model],
    vocabulary: list[dict[str, str]],
) -> str:
    lines = [
        "# nova-api, nova-conductor, nova-scheduler and every nova-compute:",
        "# the same on all of them. enabled_filters needs",
        "# PciPassthroughFilter beside the filters that are there.",
        "[filter_scheduler]",
        "pci_in_placement = true",
        "",
        "# nova-api and every nova-compute: the same aliases on all of them.",
        "[pci]",
    ]
    lines += [
        *(f"alias = {json.dumps(alias)}" for alias in vocabulary),
        "",
        f"# nova-compute of {host.name} alone, in the same group. Once on,",
        "# report_in_placement can not be turned off again.",
        "report_in_placement = true",
        *_device_specs(cards, known),
        "",
        "# nova-compute of this host alone: where provider.yaml lies.",
        "[compute]",
        "provider_config_location = /etc/nova/provider_config",
    ]
    return "\n".join(lines) + "\n"


def _aliases(model: models.Model, slots: int) -> list[dict[str, str]]:
    alias = {
        "name": model.alias,
        "device_type": model.device_type.value,
        "resource_class": model.resource_class,
    }
    return [
        alias,
        *(
            {
                **alias,
                "name": f"{model.alias}-s{slot}",
                "traits": f"{traits.SLOT_PREFIX}{slot}",
            }
            for slot in range(slots)
        ),
    ]


def _device_specs(
    cards: list[devices.Device], known: Mapping[str, models.Model]
) -> list[str]:
    """By product where that says which model, by address where not."""
    lines = []
    kinds: dict[tuple[str, str], set[str | None]] = {}
    for card in cards:
        kinds.setdefault((card.vendor_id, card.product_id), set()).add(
            card.model
        )
    for (vendor_id, product_id), found in sorted(kinds.items()):
        name = next(iter(found))
        if len(found) == 1 and name is not None and name in known:
            lines.append(_spec(vendor_id, product_id, known[name]))
    for card in cards:
        alike = kinds[card.vendor_id, card.product_id]
        model = known.get(card.model or "")
        if model is None:
            lines.append(
                f"# {card.pci_address}: no model stands for "
                f"{card.vendor_id}:{card.product_id}"
            )
        elif len(alike) > 1:
            lines.append(
                _spec(
                    card.vendor_id,
                    card.product_id,
                    model,
                    address=card.pci_address,
                )
            )
    return lines


def _spec(
    vendor_id: str, product_id: str, model: models.Model, **more: str
) -> str:
    spec = {
        "vendor_id": vendor_id,
        "product_id": product_id,
        **more,
        "resource_class": model.resource_class,
    }
    return f"device_spec = {json.dumps(spec)}"


# -- provider.yaml -----------------------------------------------------------


def _provider_yaml(
    host: hosts.Host,
    cards: list[devices.Device],
    slots: Mapping[str, int],
) -> str:
    providers = []
    for card in cards:
        if card.pci_address not in slots:
            continue
        mark = f"{traits.SLOT_PREFIX}{slots[card.pci_address]}"
        providers.append(
            {
                "identification": {"name": provider_name(host, card)},
                "traits": {"additional": [mark]},
            }
        )
    document = {"meta": {"schema_version": "1.0"}, "providers": providers}
    text: str = yaml.safe_dump(document, sort_keys=False)
    return text


def provider_name(host: hosts.Host, card: devices.Device) -> str:
    """What Nova calls the card's provider in Placement."""
    return f"{host.hypervisor_hostname}_{card.pci_address.upper()}"


def check_provider_config(document: Any) -> None:
    """Nova's own rules: with a file that breaks them nova-compute does not
    start.

    :raises Conflict: naming what Nova would refuse.
    """
    version = document["meta"]["schema_version"]
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise _refused(f"schema_version {version!r} is not a text 1.N")
    seen = set()
    for provider in document["providers"]:
        name = provider["identification"]["name"]
        if not isinstance(name, str) or not 1 <= len(name) <= _LONGEST_NAME:
            raise _refused(f"the name {name} is too long")
        if name in seen:
            raise _refused(f"{name} is there twice")
        seen.add(name)
        for trait in provider["traits"]["additional"]:
            if not _TRAIT.fullmatch(trait):
                raise _refused(f"{trait} is no custom trait")


def _refused(words: str) -> errors.Conflict:
    return errors.Conflict(f"Nova would refuse provider.yaml: {words}.")
