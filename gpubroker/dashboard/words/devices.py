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
"""What is known of a card, in the operator's language."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.utils.translation import pgettext_lazy

from gpubroker.client.sdk import device as device_sdk

HEALTH = {
    "OK": pgettext_lazy("health of a GPU", "Well"),
    "SUSPECT": pgettext_lazy("health of a GPU", "Suspect"),
    "BAD": pgettext_lazy("health of a GPU", "Bad"),
    "UNKNOWN": pgettext_lazy("health of a GPU", "Not known"),
}

_RULES = {
    "off_bus": gettext_lazy("It fell off the bus"),
    "vanished": gettext_lazy("Nobody sees it any more"),
    "nvml_gpu_is_lost": gettext_lazy("NVIDIA's library says that it is lost"),
    "nvml_reset_required": gettext_lazy(
        "NVIDIA's library says that it needs a reset"
    ),
    "duplicate_serial": gettext_lazy(
        "Another card has the same serial number or UUID"
    ),
    "unreadable": gettext_lazy("Its registers can not be read"),
    "agent_silent": gettext_lazy("The agent of its host is silent"),
    "lifted": gettext_lazy("An operator lifted its health fence"),
    "aer": gettext_lazy("PCI Express reported an error"),
}

_XID = re.compile(r"xid_(\d+)")

#: Fences, as far as people may have to do with them.
FENCES = {
    "lease": gettext_lazy("Lease"),
    "health": gettext_lazy("Health"),
    "operator": gettext_lazy("Operator"),
    "drain": gettext_lazy("Drain of its host"),
    "unadmitted": gettext_lazy("Not admitted yet"),
    "external": gettext_lazy("Set in Placement by somebody else"),
}

_LIFTED = {
    "lease": gettext_lazy(
        "by itself, when the lease is over and Placement shows the card unused"
    ),
    "health": gettext_lazy("by an operator"),
    "operator": gettext_lazy("by an operator"),
    "drain": gettext_lazy("when the host is resumed"),
    "unadmitted": gettext_lazy("by an operator"),
    "external": gettext_lazy(
        "when whoever set \u201creserved\u201d in Placement sets it back"
    ),
}

_LIFTING = {
    "operator": gettext_lazy(
        "What the operator said no longer keeps the card back."
    ),
    "unadmitted": gettext_lazy(
        "You admit the card: it was never given out before."
    ),
    "health": gettext_lazy(
        "You judge the card fit for use. A fault stays until somebody does, "
        "whatever the card looks like since. What was found so far no longer "
        "counts, and its health is not known until the next report."
    ),
}

_EVENTS = {
    "device.closed": gettext_lazy("Closed in Placement"),
    "device.fault": gettext_lazy("Fault"),
    "device.fence_reworded": gettext_lazy("Fence says something else"),
    "device.fenced": gettext_lazy("Fenced"),
    "device.found": gettext_lazy("Found"),
    "device.health": gettext_lazy("Health"),
    "device.leased": gettext_lazy("Leased"),
    "device.moved": gettext_lazy("Moved"),
    "device.opened": gettext_lazy("Opened in Placement"),
    "device.returned": gettext_lazy("Returned"),
    "device.unfenced": gettext_lazy("Fence lifted"),
    "device.used_while_fenced": gettext_lazy("Used while fenced"),
    "device.vanished": gettext_lazy("Vanished"),
}


def health(device: device_sdk.Device) -> str:
    return str(HEALTH.get(device.health, device.health))


def rule(name: str) -> str:
    """A fact behind a health; the name itself where it has no words."""
    xid = _XID.fullmatch(name)
    if xid:
        return _("The kernel reported XID %(code)s") % {"code": xid[1]}
    return str(_RULES.get(name, name))


def fence(reason: str) -> str:
    return str(FENCES.get(reason, reason))


def lifted(reason: str) -> str:
    """How a fence comes to its end."""
    return str(_LIFTED.get(reason, ""))


def lifting(reason: str) -> str:
    """What it means to lift a fence by hand."""
    return str(_LIFTING.get(reason, ""))


def event(kind: str) -> str:
    return str(_EVENTS.get(kind, kind.rpartition(".")[2].replace("_", " ")))


def place(device: device_sdk.Device) -> str:
    """Its slot and address on its host."""
    if device.slot is None:
        return device.pci_address
    return _("Slot %(slot)d, %(address)s") % {
        "slot": device.slot,
        "address": device.pci_address,
    }


def model(device: device_sdk.Device) -> str:
    """Its model, or what it says of itself where no model names it."""
    if device.model:
        return device.model
    return f"{device.vendor_id}:{device.product_id}"


def models(cards: Iterable[device_sdk.Device]) -> list[str]:
    """How many there are of each, such as ``8 x a100-sxm4-80gb``."""
    counts = Counter(map(model, cards))
    return [
        f"{count} \N{MULTIPLICATION SIGN} {name}"
        for name, count in sorted(counts.items())
    ]


def use(device: device_sdk.Device) -> str:
    """Who has it; empty where nobody has."""
    found: Mapping[str, Any] = device.use or {}
    kind, lease = found.get("kind"), found.get("lease_id")
    if kind == "claimed":
        return _("lease %(lease)s is starting on it") % {"lease": lease}
    if kind == "lease":
        return _("lease %(lease)s has it") % {"lease": lease}
    if kind == "external":
        return _("server %(servers)s has it, which is of no lease") % {
            "servers": ", ".join(found.get("consumers") or ())
        }
    kept = [
        one.get("lease_id")
        for one in device.fences or ()
        if one.get("reason") == "lease"
    ]
    if kept:
        return _("lease %(lease)s gives it back") % {"lease": kept[0]}
    return ""


def missing(device: device_sdk.Device) -> str:
    """Why it is not given out although nothing speaks against it."""
    provider = device.provider or {}
    if not device.model:
        return _("no model names it")
    if not provider.get("total"):
        return _("Placement does not show it")
    if device.slot is None:
        return _("it has no slot yet")
    if provider.get("reserved"):
        return _("Placement has it reserved")
    return _("the service gives no reason")
