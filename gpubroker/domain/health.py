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

"""What is beyond doubt about a card's health, and what is not.

The first part of the policy of G 2.2: it fences only where no one would
argue. Faults latch: they stay until an operator lifts the health fence,
since neither a restart nor a reboot repairs a card. What can not be read is
never a fault, and what nobody tells any more is not known.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from gpubroker.domain.devices import Device
from gpubroker.domain.devices import Health
from gpubroker.domain.devices import HealthReason
from gpubroker.domain.devices import State
from gpubroker.domain.sightings import Sighting

#: Of the rules below, so that a verdict can be traced to them.
POLICY = 1

#: XIDs after which a card must not be given out: an uncorrectable memory
#: error (48), a row that could not be remapped (64), off the bus (79), an
#: error that was not contained (95). All public monitors agree on these.
FATAL_XIDS = frozenset({48, 64, 79, 95})

#: XIDs that an application causes, or that only inform, or that are to be
#: counted and not judged one by one (G 2.2: none, watch).
QUIET_XIDS = frozenset(
    {8, 11, 13, 25, 31, 32, 37, 38, 39, 40, 41, 43, 44, 45, 60, 63, 66, 67}
    | {68, 69, 70, 71, 72, 75, 76, 77, 78, 80, 82, 83, 84, 85, 86, 88, 89}
    | {92, 93, *range(96, 108), 109, 121, *range(126, 136), 137, 139, 141}
    | {142, 151, 152, 153, 154, 157, 159, 160, 161}
)

#: NVML return codes (nvml.h): NVML_ERROR_GPU_IS_LOST and
#: NVML_ERROR_RESET_REQUIRED.
GPU_IS_LOST = 15
RESET_REQUIRED = 16

#: Rules that mean BAD; every other rule that latches means SUSPECT.
BAD_RULES = frozenset(
    {"off_bus", "vanished", "nvml_gpu_is_lost"}
    | {f"xid_{code}" for code in FATAL_XIDS}
)

#: Rules that hold only as long as the report says so.
SILENT = "agent_silent"

FLEETING = frozenset({"unreadable", "duplicate_serial", "lifted", SILENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A line that the agent saw.

    :param id: ``<boot_id>:<sequence>``; the same line keeps its id.
    :param kind: ``xid``, ``off_bus``, ``aer`` or ``other``.
    :param code: the XID.
    """

    id: str
    kind: str
    pci_address: str
    code: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """:param fault: words for the fence, when the card must be fenced."""

    health: Health
    reasons: tuple[HealthReason, ...]
    fault: str = ""


def judge(
    device: Device,
    sighting: Sighting | None,
    observations: Iterable[Observation],
    duplicate: bool = False,
) -> Verdict:
    """Judge one card by what is known of it and what a report adds.

    :param sighting: ``None`` when the card has vanished.
    :param observations: those of this card that were not judged before.
    :param duplicate: whether another card has the same serial number.
    """
    reasons = {
        reason.rule: reason
        for reason in device.health_reasons
        if reason.rule not in FLEETING
    }
    found = [
        *_facts(sighting, duplicate),
        *(reason for seen in observations for reason in rule_of(seen)),
    ]
    for reason in found:
        reasons.setdefault(reason.rule, reason)
    ordered = tuple(sorted(reasons.values(), key=_rank))
    bad = [reason for reason in ordered if reason.rule in BAD_RULES]
    return Verdict(
        health=_health(ordered, sighting),
        reasons=ordered,
        fault="; ".join(reason.detail for reason in bad),
    )


def unheard(device: Device, since: datetime.datetime) -> Verdict | None:
    """The verdict on a card whose host's agent is silent.

    What spoke for the card holds no longer; what speaks against it stays.

    :param since: when the agent reported last.
    :returns: ``None`` for a card that stays as it is: of one that no agent
        has judged, or that is at fault or gone, silence says nothing new.
    """
    if not device.reported or device.state is not State.PRESENT:
        return None
    if device.health not in (Health.OK, Health.UNKNOWN):
        return None
    silence = _reason(
        SILENT,
        "The agent of its host has not reported since "
        f"{since:%Y-%m-%d %H:%M:%S} UTC.",
    )
    known = [one for one in device.health_reasons if one.rule != SILENT]
    return Verdict(
        health=Health.UNKNOWN,
        reasons=tuple(sorted([*known, silence], key=_rank)),
    )


def rule_of(seen: Observation) -> list[HealthReason]:
    """The reason that an observation is, or nothing."""
    text = seen.text[:200]
    if seen.kind == "off_bus":
        return [_reason("off_bus", f"The card fell off the bus: {text}")]
    if seen.kind == "aer":
        return [_reason("aer", f"PCI Express reported an error: {text}")]
    if seen.kind == "xid" and seen.code is not None:
        if seen.code in QUIET_XIDS:
            return []
        return [_reason(f"xid_{seen.code}", f"XID {seen.code}: {text}")]
    return []


def lifted(by: str) -> tuple[HealthReason, ...]:
    """What is left of a card's reasons after an operator lifted its fence."""
    return (
        _reason("lifted", f"The health fence was lifted by {by or 'nobody'}."),
    )


def faulty(reasons: Collection[HealthReason]) -> bool:
    """Whether there is something that an operator could lift."""
    return any(reason.rule not in FLEETING for reason in reasons)


def _facts(sighting: Sighting | None, duplicate: bool) -> list[HealthReason]:
    if sighting is None:
        return [_reason("vanished", "The card is no longer there.")]
    found = []
    if sighting.on_bus is False:
        found.append(
            _reason("off_bus", "The card's registers read as all ones.")
        )
    if GPU_IS_LOST in sighting.nvml_errors:
        found.append(_reason("nvml_gpu_is_lost", "NVML says: GPU is lost."))
    if RESET_REQUIRED in sighting.nvml_errors:
        found.append(
            _reason("nvml_reset_required", "NVML says: GPU requires reset.")
        )
    if duplicate:
        found.append(
            _reason(
                "duplicate_serial",
                "Another card has the same serial number or UUID.",
            )
        )
    if sighting.on_bus is None:
        found.append(
            _reason("unreadable", "The card's registers can not be read.")
        )
    return found


def _health(
    reasons: Collection[HealthReason], sighting: Sighting | None
) -> Health:
    rules = {reason.rule for reason in reasons}
    if rules & BAD_RULES:
        return Health.BAD
    if rules - {"unreadable", "lifted"}:
        return Health.SUSPECT
    if sighting is not None and sighting.on_bus:
        return Health.OK
    return Health.UNKNOWN


def _rank(reason: HealthReason) -> tuple[bool, bool, str]:
    return (
        reason.rule not in BAD_RULES,
        reason.rule in FLEETING,
        reason.rule,
    )


def _reason(rule: str, detail: str) -> HealthReason:
    return HealthReason(rule=rule, detail=detail)
