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

"""The cards, as Placement has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from gpubroker.domain import devices
from gpubroker.domain import hosts
from gpubroker.domain import models
from gpubroker.services import ports
from gpubroker.services.checks import finding as f
from gpubroker.services.checks import outside
from gpubroker.services.checks.mistakes import Mistake


def reported(
    managed: Collection[hosts.Host], found: Collection[ports.Provider]
) -> f.Findings:
    """
    :param found: every provider that Nova manages for a PCI device.
    """
    if not found:
        yield f.failure(
            Mistake.PCI_NOT_REPORTED,
            "No provider in Placement has the trait "
            "COMPUTE_MANAGED_PCI_DEVICE. Set [pci] report_in_placement = "
            "true and [pci] device_spec on the GPU hosts and restart their "
            "nova-compute.",
        )
        return
    trees = {provider.root_id for provider in found}
    bare = {host.name for host in managed if host.provider_id not in trees}
    if bare:
        yield f.failure(
            Mistake.HOST_WITHOUT_CARDS,
            f"{f.words(bare)} has no PCI device in Placement. Set [pci] "
            "report_in_placement = true and the lines device_spec = that "
            f'"openstack gpu config render --host {min(bare)}" prints in its '
            "nova.conf and restart nova-compute. If the compute node was "
            "made anew, wait for the broker's next look.",
        )
    yield f.fact(f"{len(found)} PCI devices on {len(trees)} compute nodes.")


def cards(
    standing: outside.Standing,
    found: Collection[devices.Device],
    known: Collection[models.Model],
) -> f.Findings:
    """Whether each card counts as its model, once, and again and again.

    :param found: those of managed hosts, as the broker last read them.
    """
    wanted = {model.name: model.resource_class for model in known}
    here = [card for card in found if card.provider_id and card.model]
    yield from _classes(here, wanted)
    yield from _oversold(standing, here)
    yield from _once(standing, here)
    yield f.fact(f"{len(here)} cards have a model and a provider.")


def _classes(
    here: Collection[devices.Device], wanted: Mapping[str, str]
) -> f.Findings:
    wrong: dict[tuple[str, str], set[str]] = defaultdict(set)
    for card in here:
        should = wanted.get(card.model or "")
        if should and card.resource_class and card.resource_class != should:
            wrong[card.resource_class, should].add(_name(card))
    for (stands, should), names in sorted(wrong.items()):
        yield f.failure(
            Mistake.CLASS_WRONG,
            f"{f.words(names)} counts as {stands} in Placement where its "
            f"model has {should}, so that the aliases never reach it. Add "
            f'"resource_class": "{should}" to the device_spec of the card '
            "and restart nova-compute.",
        )


def _oversold(
    standing: outside.Standing, here: Collection[devices.Device]
) -> f.Findings:
    total = {card.provider_id or "": card for card in here if card.total}
    twice = set()
    for name in sorted({c.resource_class for c in here if c.resource_class}):
        for provider_id, capacity in standing.capacities(name).items():
            card = total.get(provider_id)
            if card is not None and capacity > (card.total or 0):
                twice.add(_name(card))
    if twice:
        yield f.failure(
            Mistake.CARD_OVERSOLD,
            f"{f.words(twice)} has an allocation_ratio above 1: Placement "
            'gives the card to several servers. Run "openstack resource '
            "provider inventory set --amend --resource "
            'CLASS:allocation_ratio=1.0 UUID" for its provider.',
        )


def _once(
    standing: outside.Standing, here: Collection[devices.Device]
) -> f.Findings:
    marked = set(standing.one_time_cards())
    names = {_name(card) for card in here if card.provider_id in marked}
    if names:
        yield f.warning(
            Mistake.CARD_ONE_TIME_USE,
            f"{f.words(names)} is for one use only (HW_PCI_ONE_TIME_USE): "
            "Nova sets it aside after each server, and it is not given out "
            "again before somebody sets reserved to 0. Take one_time_use out "
            "of its device_spec and restart nova-compute; the broker has "
            "checks of its own after each lease.",
        )


def _name(card: devices.Device) -> str:
    return card.provider_name or f"{card.host}/{card.pci_address}"
