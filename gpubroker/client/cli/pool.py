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

"""openstack gpu pool ..."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from gpubroker.client.cli import base
from gpubroker.client.cli import columns
from gpubroker.client.cli import verbs
from gpubroker.client.sdk import pool as pool_sdk

FIELDS = (
    "name",
    "description",
    "admission",
    "projects",
    "hosts",
    "devices",
    "generation",
    "created_at",
    "updated_at",
)

COLUMNS = (
    columns.Column("Name", "name"),
    columns.Column("Description", "description"),
    columns.Column("Hosts", "hosts"),
    columns.Column("Admission", "admission"),
    columns.Column("Projects", "projects", long=True),
)

_PLAIN = ("description", "admission")


def devices_text(devices: dict[str, int] | None) -> str:
    """How many there are, and how many of each availability.

    >>> devices_text({"total": 8, "free": 5, "sick": 3, "withheld": 4})
    '8, 5 free (4 of them on hosts that are down or observed), 3 sick'
    """
    if not devices:
        return ""
    words = [str(devices.get("total", 0))]
    for key, count in devices.items():
        if count and key not in ("total", "withheld"):
            words.append(f"{count} {key.replace('_', ' ')}")
        if count and key == "free" and devices.get("withheld"):
            words[-1] += (
                f" ({devices['withheld']} of them on hosts that are down "
                "or observed)"
            )
    return ", ".join(words)


class _Pool(verbs.Noun):
    noun = "pool"
    named = "Pool (name)"

    def record(self, pool: pool_sdk.Pool, /) -> columns.Record:
        return columns.record(
            pool,
            FIELDS,
            {
                "devices": lambda x: columns.Human(
                    x.devices, devices_text(x.devices)
                )
            },
        )


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--description", metavar="<text>", help="Words for people"
    )
    parser.add_argument(
        "--admission",
        choices=("manual", "automatic"),
        help="Whether a card never seen before is given out at once, or "
        "only after an operator has lifted its fence (gpu device unfence "
        "--reason unadmitted)",
    )
    parser.add_argument(
        "--project",
        metavar="<project>",
        dest="projects",
        action="append",
        help="Project that owns the pool (name or ID), so that only owners "
        "start leases there; repeat for several",
    )


class ListPool(verbs.List):
    _description = "List pools: groups of hosts that are planned together"
    shown = COLUMNS

    def things(
        self, parsed_args: argparse.Namespace, **page: Any
    ) -> Iterable[pool_sdk.Pool]:
        return self.broker.pools(**page)


class ShowPool(_Pool, verbs.Show):
    _description = "Show a pool"


class CreatePool(_Pool, verbs.Create):
    _description = "Make a pool (operators only)"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        _add_options(parser)

    def attrs(self, parsed_args: argparse.Namespace) -> dict[str, Any]:
        attrs = base.given(parsed_args, _PLAIN)
        if parsed_args.projects:
            attrs["projects"] = base.project_ids(
                self.connection, parsed_args.projects
            )
        return attrs


class SetPool(_Pool, verbs.Set):
    _description = "Change a pool (operators only)"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        _add_options(parser)
        parser.add_argument(
            "--no-project",
            action="store_true",
            help="Drop all owners, before those of --project are added",
        )

    def attrs(
        self, parsed_args: argparse.Namespace, pool: pool_sdk.Pool, /
    ) -> dict[str, Any]:
        attrs = base.given(parsed_args, _PLAIN)
        if parsed_args.projects or parsed_args.no_project:
            owners = [] if parsed_args.no_project else pool.projects or []
            added = base.project_ids(
                self.connection, parsed_args.projects or ()
            )
            attrs["projects"] = list(dict.fromkeys([*owners, *added]))
        return attrs


class DeletePool(_Pool, verbs.Delete):
    _description = "Delete pools (operators only)"
    several = "Pool(s) to delete (name); no host may be in them"
