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
"""What an offer says, in the person's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.utils.translation import ngettext
from django.utils.translation import ngettext_lazy

from gpubroker.client.sdk import flavor as flavor_sdk
from gpubroker.client.sdk import offer as offer_sdk
from gpubroker.dashboard.words import sizes

_BLOCKED = {
    "behind": ngettext_lazy(
        "%(count)d free GPU is kept for orders that wait already",
        "%(count)d free GPUs are kept for orders that wait already",
        "count",
    ),
    "in_use": ngettext_lazy(
        "%(count)d GPU is in use", "%(count)d GPUs are in use", "count"
    ),
    "fenced": ngettext_lazy(
        "%(count)d GPU is held back by the operators or for its health",
        "%(count)d GPUs are held back by the operators or for their health",
        "count",
    ),
    "host_down": ngettext_lazy(
        "%(count)d GPU is on a host that is down",
        "%(count)d GPUs are on hosts that are down",
        "count",
    ),
    "suspect": ngettext_lazy(
        "%(count)d GPU is on a host where starts failed lately",
        "%(count)d GPUs are on hosts where starts failed lately",
        "count",
    ),
    "observed": ngettext_lazy(
        "%(count)d GPU is on a host that is not handed out yet",
        "%(count)d GPUs are on hosts that are not handed out yet",
        "count",
    ),
    "cpu_memory": ngettext_lazy(
        "%(count)d GPU is free where too little CPU, memory or disk is left",
        "%(count)d GPUs are free where too little CPU, memory or disk is left",
        "count",
    ),
    "fragmented": ngettext_lazy(
        "%(count)d GPU is free, but not %(gpus)d together on one host",
        "%(count)d GPUs are free, but not %(gpus)d together on one host",
        "count",
    ),
    "no_host": gettext_lazy("No host offers this GPU"),
}


def blocked(entry: Mapping[str, Any], gpus: int) -> str:
    """What keeps cards out of further orders.

    :param entry: one of an offer's ``blocked``.
    :param gpus: GPUs that the order wants on one host.
    """
    words = _BLOCKED.get(str(entry.get("reason")))
    if words is None:
        return str(entry.get("detail") or "")
    return str(words % {"count": int(entry.get("gpus") or 0), "gpus": gpus})


def choice(offer: offer_sdk.Offer, flavor: flavor_sdk.Flavor) -> str:
    """One line of a list to choose a flavor from."""
    return _(
        "%(name)s: %(gpus)d \N{MULTIPLICATION SIGN} %(models)s, %(vcpus)d "
        "vCPUs, %(memory)s (%(now)s)"
    ) % {
        "name": flavor.name,
        "gpus": offer.gpus,
        "models": _(" or ").join(offer.models),
        "vcpus": flavor.vcpus,
        "memory": sizes.gibibytes(flavor.ram_mib),
        "now": _now(offer.available),
    }


def _now(available: int) -> str:
    if not available:
        return _("waits in the queue")
    return ngettext(
        "%(count)d can start now", "%(count)d can start now", available
    ) % {"count": available}


def outlook(offer: offer_sdk.Offer, nodes: int = 1) -> list[str]:
    """What becomes of an order that is placed now, in sentences."""
    if offer.available >= nodes:
        return [_("There is room for it: it starts at once.")]
    first = _(
        "There is no room for it now: it waits in the queue and starts "
        "by itself."
    )
    if offer.queued:
        first += " " + ngettext(
            "%(count)d order for these GPUs waits already.",
            "%(count)d orders for these GPUs wait already.",
            offer.queued,
        ) % {"count": offer.queued}
    return [first, *(f"{blocked(b, offer.gpus)}." for b in offer.blocked)]
