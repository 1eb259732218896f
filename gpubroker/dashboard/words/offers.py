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
"""What keeps GPUs out of an offer, in the person's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy
from django.utils.translation import ngettext_lazy

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
