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

"""Flavors of Nova by which people reach the broker's cards without it.

The auditor tells the same (``flavor-around``), after the fact and by itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from gpubroker.domain import models
from gpubroker.services import names
from gpubroker.services.checks import finding as f
from gpubroker.services.checks import outside
from gpubroker.services.checks.mistakes import Mistake

_ALIAS = "pci_passthrough:alias"
_RESOURCES = re.compile(r"^resources[0-9A-Za-z_-]*:(CUSTOM_[A-Z0-9_]+)$")
_SLOT = re.compile(r"-s\d+$")


def flavors(
    found: Collection[outside.Flavor],
    known: Collection[models.Model],
    managed: Collection[str],
) -> f.Findings:
    """
    :param found: all that Nova has.
    :param managed: resource classes of cards on hosts in mode manage.
    """
    aliases = {m.alias: m.resource_class for m in known}
    around = {
        flavor.name
        for flavor in found
        if (flavor.public or not flavor.name.startswith(names.SHAPE_PREFIX))
        and set(managed) & set(_reached(flavor, aliases))
    }
    if around:
        yield f.warning(
            Mistake.FLAVOR_AROUND,
            "Flavors of Nova's that ask for cards of managed hosts: "
            f"{f.words(around)}. Who may use one gets cards without a lease: "
            "the broker counts such servers, and no queue holds for them. "
            "Take the alias or resource class, or the flavor, away.",
        )
    yield f.fact(f"{len(found)} flavors in Nova.")


def _reached(
    flavor: outside.Flavor, aliases: Mapping[str, str]
) -> Iterator[str]:
    """Resource classes that it asks for."""
    for part in flavor.extra_specs.get(_ALIAS, "").split(","):
        alias = part.strip().rpartition(":")[0] or part.strip()
        for name in (alias, _SLOT.sub("", alias)):
            if name in aliases:
                yield aliases[name]
    for key, amount in flavor.extra_specs.items():
        match = _RESOURCES.match(key)
        if match and amount != "0":
            yield match[1]
