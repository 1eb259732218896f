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
"""Offers as a page shows them: grouped by what GPU one gets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gpubroker.client.sdk import flavor as flavor_sdk
from gpubroker.client.sdk import model as model_sdk
from gpubroker.client.sdk import offer as offer_sdk
from gpubroker.dashboard.content.project.offers import cards
from gpubroker.dashboard.words import offers as words
from gpubroker.dashboard.words import sizes as units


@dataclass(frozen=True, slots=True)
class Size:
    """What one flavor gives, and how many of it could start now."""

    flavor: str
    gpus: int
    vcpus: int
    memory: str
    disk_gib: int
    available: int
    queued: int
    blocked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """Flavors with the same acceptable models.

    :ivar models: the most preferred first.
    """

    models: tuple[str, ...]
    memory: str
    vendor: str
    tally: cards.Tally
    picture: cards.Picture
    sizes: tuple[Size, ...]

    @property
    def anchor(self) -> str:
        """An id for the page; names of models have no spaces."""
        return "-".join(self.models)


def kinds(
    offers: Iterable[offer_sdk.Offer],
    flavors: Iterable[flavor_sdk.Flavor],
    models: Iterable[model_sdk.Model],
) -> list[Kind]:
    """By model, so that each keeps its place whatever is free."""
    by_name = {flavor.name: flavor for flavor in flavors}
    known = {model.name: model for model in models}
    grouped: dict[tuple[str, ...], list[offer_sdk.Offer]] = {}
    for offer in offers:
        if offer.flavor in by_name:
            grouped.setdefault(tuple(offer.models), []).append(offer)
    found = [
        _kind(names, alike, by_name, known.get(names[0]))
        for names, alike in grouped.items()
        if names
    ]
    return sorted(found, key=lambda kind: kind.models)


def _kind(
    names: tuple[str, ...],
    alike: list[offer_sdk.Offer],
    flavors: dict[str, flavor_sdk.Flavor],
    model: model_sdk.Model | None,
) -> Kind:
    # All of them count the same cards.
    seen = cards.tally(alike[0].cards)
    sizes = (_size(offer, flavors[offer.flavor or ""]) for offer in alike)
    return Kind(
        models=names,
        memory=units.gibibytes(model.memory_mib) if model else "",
        vendor=model.vendor if model else "",
        tally=seen,
        picture=cards.picture(seen),
        sizes=tuple(sorted(sizes, key=lambda size: (size.gpus, size.flavor))),
    )


def _size(offer: offer_sdk.Offer, flavor: flavor_sdk.Flavor) -> Size:
    return Size(
        flavor=flavor.name,
        gpus=offer.gpus,
        vcpus=flavor.vcpus,
        memory=units.gibibytes(flavor.ram_mib),
        disk_gib=flavor.disk_gib,
        available=offer.available,
        queued=offer.queued,
        blocked=tuple(
            words.blocked(entry, offer.gpus) for entry in offer.blocked
        ),
    )
