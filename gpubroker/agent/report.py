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


"""The report of a host: the same host, the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gpubroker.agent import nvml
from gpubroker.agent import observations
from gpubroker.agent import pci
from gpubroker.domain import hosts

#: As many as the API takes in one report.
MOST_DEVICES = 64

_MOST_CONDITIONS = 50
_MOST_DETAIL = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a card once said of itself, as long as it stays in its slot."""

    serial: str | None = None
    uuid: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that goes into a report.

    :param identities: by PCI address, of cards whose driver was asked.
    :param answers: by PCI address, of cards that the driver can be asked
        about at present.
    """

    version: str
    boot_id: str
    cards: Sequence[pci.Card] = ()
    identities: Mapping[str, Identity]
    answers: Mapping[str, nvml.Answer]
    observations: Sequence[observations.Observation] = ()
    conditions: Sequence[hosts.Condition] = ()


def build(facts: Facts) -> dict[str, Any]:
    """The body of ``PUT /v1/hosts/{host}/report``.

    Times are in observations only, lists are in a fixed order and what is
    too much for the API is left out from the end, with a condition that
    says so.
    """
    cards = sorted(facts.cards, key=lambda card: card.pci_address)
    conditions = set(facts.conditions)
    if len(cards) > MOST_DEVICES:
        conditions.add(
            hosts.Condition(
                kind="too_many_devices",
                detail=f"{len(cards)} found, {MOST_DEVICES} reported",
            )
        )
    return {
        "agent": {"version": facts.version, "boot_id": facts.boot_id},
        "devices": [_device(card, facts) for card in cards[:MOST_DEVICES]],
        "observations": [
            seen.as_json() for seen in facts.observations[-observations.MOST :]
        ],
        "conditions": [
            {"kind": each.kind, "detail": each.detail[:_MOST_DETAIL]}
            for each in sorted(conditions, key=lambda c: (c.kind, c.detail))
        ][:_MOST_CONDITIONS],
    }


def encode(report: Mapping[str, Any]) -> bytes:
    return json.dumps(
        report, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()


def _device(card: pci.Card, facts: Facts) -> dict[str, Any]:
    identity = facts.identities.get(card.pci_address, Identity())
    answer = facts.answers.get(card.pci_address)
    return {
        "pci_address": card.pci_address,
        "vendor_id": card.vendor_id,
        "product_id": card.product_id,
        "subsystem_id": card.subsystem_id,
        "class_id": card.class_id,
        "revision": card.revision,
        "numa_node": card.numa_node,
        "driver": card.driver,
        "iommu_group": card.iommu_group,
        "link": _link(card.link),
        "on_bus": card.on_bus,
        "serial": identity.serial,
        "uuid": identity.uuid,
        "name": identity.name,
        "nvml": None if answer is None else _nvml(answer),
    }


def _link(link: pci.Link | None) -> dict[str, Any] | None:
    if link is None:
        return None
    return {
        "width": link.width,
        "max_width": link.max_width,
        "speed": link.speed,
        "max_speed": link.max_speed,
    }


def _nvml(answer: nvml.Answer) -> dict[str, Any]:
    return {
        "errors": [
            {"function": error.function, "code": error.code}
            for error in sorted(answer.errors)
        ]
    }
