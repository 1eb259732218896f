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

"""A nova.conf that lies on this machine: what no API shows.

Whose file it is says what is in it: one with a ``device_spec`` is that of a
nova-compute with GPUs, one without may be of any other service.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gpubroker.domain import models
from gpubroker.services.checks import finding as f
from gpubroker.services.checks.mistakes import Mistake

#: Section -> option -> values, as they stand in the file.
Sections = Mapping[str, Mapping[str, list[str]]]

Alias = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    path: str
    sections: Sections

    def last(self, section: str, option: str) -> str | None:
        """The value that counts where an option has one only."""
        found = self.all(section, option)
        return found[-1].strip() if found else None

    def all(self, section: str, option: str) -> list[str]:
        return list(self.sections.get(section, {}).get(option, ()))

    def on(self, section: str, option: str) -> bool:
        """As oslo.config reads a boolean whose default is False."""
        return (self.last(section, option) or "").lower() in (
            *("true", "1", "on", "yes"),
        )


def check(
    file: File, wanted: Collection[Alias], known: Collection[models.Model]
) -> f.Findings:
    """
    :param wanted: the aliases that the broker needs.
    """
    if not file.on("filter_scheduler", "pci_in_placement"):
        yield f.failure(
            Mistake.FILE_PCI_IN_PLACEMENT,
            f"{file.path} lacks pci_in_placement = true in "
            "[filter_scheduler]: servers get cards that Placement knows "
            "nothing of, or none. Set it for nova-api, nova-scheduler, "
            "nova-conductor and nova-compute, and restart them.",
        )
    specs = file.all("pci", "device_spec")
    if specs and not file.on("pci", "report_in_placement"):
        yield f.failure(
            Mistake.FILE_REPORT_IN_PLACEMENT,
            f"{file.path} has [pci] device_spec without report_in_placement "
            "= true: the cards are not in Placement. Set it in [pci] and "
            "restart nova-compute; it can not be turned off again.",
        )
    yield from _filters(file, bool(specs))
    yield from _aliases(file, wanted, bool(specs))
    yield from _classes(file, specs, known)
    yield f.fact(f"{file.path} is as it should be.")


def _filters(file: File, of_compute: bool) -> f.Findings:
    """nova-scheduler alone reads them, and has not this one by default."""
    named = file.last("filter_scheduler", "enabled_filters")
    if named is None and of_compute:
        return
    if "PciPassthroughFilter" not in (named or ""):
        yield f.warning(
            Mistake.FILE_PCI_FILTER,
            f"{file.path} does not name PciPassthroughFilter in "
            "[filter_scheduler] enabled_filters, and the default list lacks "
            "it. If nova-scheduler reads this file, add it to the filters "
            "that are there and restart nova-scheduler.",
        )


# -- aliases -----------------------------------------------------------------


def _aliases(
    file: File, wanted: Collection[Alias], of_compute: bool
) -> f.Findings:
    stand = _read(file.all("pci", "alias"))
    missing = {a["name"] for a in wanted if a["name"] not in stand}
    if missing and (stand or of_compute):
        yield f.failure(
            Mistake.FILE_ALIAS_MISSING,
            f"{file.path} lacks the [pci] alias {f.words(missing)}, which "
            "nova-api and every nova-compute need, the same on all: without "
            "it in nova-api no server starts, without it in a nova-compute "
            "a migration there ends in ERROR. Copy the lines that "
            '"openstack gpu config render" prints and restart the service.',
        )
    elif missing:
        yield f.warning(
            Mistake.FILE_ALIAS_MISSING,
            f"{file.path} has no [pci] alias of the broker's. That is right "
            "for nova-scheduler and nova-conductor only.",
        )
    other = {
        alias["name"]
        for alias in wanted
        if alias["name"] in stand and not _same(alias, stand[alias["name"]])
    }
    if other:
        yield f.failure(
            Mistake.FILE_ALIAS_OTHER,
            f"{file.path} defines the [pci] alias {f.words(other)} in "
            "another way than the broker needs (device_type, "
            "resource_class or traits), so that it finds no card or another "
            'one. Copy the lines that "openstack gpu config render" prints '
            "and restart the service.",
        )


def _same(wanted: Alias, stands: list[dict[str, Any]]) -> bool:
    return len(stands) == 1 and all(
        stands[0].get(word) == value for word, value in wanted.items()
    )


def _read(lines: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Name -> definitions; what is no JSON object Nova refuses by itself."""
    found: dict[str, list[dict[str, Any]]] = {}
    for record in map(_object, lines):
        name = record.get("name")
        if isinstance(name, str):
            found.setdefault(name.strip(), []).append(
                {"device_type": "type-PCI", **record}
            )
    return found


def _object(line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


# -- device_spec -------------------------------------------------------------


def _classes(
    file: File, specs: Iterable[str], known: Collection[models.Model]
) -> f.Findings:
    for record in map(_object, specs):
        wanted = {
            model.resource_class
            for model in known
            if model.vendor_id == record.get("vendor_id")
            and record.get("product_id") in model.product_ids
        }
        stands = record.get("resource_class")
        if wanted and stands not in wanted:
            yield f.failure(
                Mistake.FILE_DEVICE_CLASS,
                f"{file.path} gives the cards {record['vendor_id']}:"
                f"{record['product_id']} the resource class "
                f"{stands or 'that Nova makes of these numbers'} where their "
                f"model has {' or '.join(sorted(wanted))}. Set "
                '"resource_class" in that device_spec and restart '
                "nova-compute.",
            )
        if record.get("one_time_use") in (True, "true"):
            yield f.warning(
                Mistake.CARD_ONE_TIME_USE,
                f"{file.path} has one_time_use in a device_spec: Nova sets "
                "such a card aside after each server. Take it out; the "
                "broker has checks of its own after each lease.",
            )
