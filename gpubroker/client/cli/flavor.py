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

"""openstack gpu flavor ..."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from osc_lib.cli import parseractions

from gpubroker.client.cli import base
from gpubroker.client.cli import columns
from gpubroker.client.cli import verbs
from gpubroker.client.sdk import flavor as flavor_sdk

FIELDS = (
    "name",
    "id",
    "description",
    "kind",
    "models",
    "gpus",
    "vcpus",
    "ram_mib",
    "disk_gib",
    "topology",
    "extra_specs",
    "traits",
    "generation",
    "created_at",
    "updated_at",
)

COLUMNS = (
    columns.Column("Name", "name"),
    columns.Column("GPU", lambda x: columns.words(x.models, " or ")),
    columns.Column("GPUs", "gpus"),
    columns.Column("vCPUs", "vcpus"),
    columns.Column("RAM MiB", "ram_mib"),
    columns.Column("Disk GiB", "disk_gib"),
    columns.Column("Topology", "topology"),
    columns.Column("Description", "description", long=True),
    columns.Column("Properties", "extra_specs", long=True),
    columns.Column("Traits", "traits", long=True),
    columns.Column("Kind", "kind", long=True),
    columns.Column("ID", "id", long=True),
)


class _Flavor(verbs.Noun):
    noun = "flavor"
    named = "GPU flavor (name or ID)"

    def record(self, flavor: flavor_sdk.Flavor, /) -> columns.Record:
        return columns.record(
            flavor,
            FIELDS,
            {"models": lambda x: columns.words(x.models, " or ")},
        )


def _add_options(parser: argparse.ArgumentParser, new: bool) -> None:
    replaces = "" if new else "; replaces those it has"
    parser.add_argument(
        "--model",
        metavar="<model>",
        dest="models",
        action="append",
        required=new,
        help="Acceptable GPU model (name); repeat in order of preference"
        + replaces,
    )
    _add_sizes(parser, new)
    parser.add_argument(
        "--description", metavar="<text>", help="Words for people"
    )
    parser.add_argument(
        "--topology",
        choices=("any", "prefer", "require"),
        help="Whether the GPUs have to be one block of their baseboard, "
        "with fast links between them" + (" (default: prefer)" if new else ""),
    )
    parser.add_argument(
        "--property",
        metavar="<key=value>",
        dest="properties",
        action=parseractions.KeyValueAction,
        help="Property of the Nova flavor, only hw:...; repeat for several",
    )
    parser.add_argument(
        "--trait",
        metavar="<trait>",
        dest="traits",
        action="append",
        help="Placement trait that the host must have (not its GPUs); repeat "
        "for several" + replaces,
    )


def _add_sizes(parser: argparse.ArgumentParser, new: bool) -> None:
    """How big one server is."""
    for option, dest, metavar, kind, text in (
        ("--gpus", "gpus", "<count>", base.positive, "GPUs of one server"),
        ("--vcpus", "vcpus", "<count>", base.positive, "Virtual CPUs"),
        ("--ram", "ram_mib", "<MiB>", base.positive, "Memory in MiB"),
        ("--disk", "disk_gib", "<GiB>", base.natural, "Local disk in GiB"),
    ):
        parser.add_argument(
            option,
            metavar=metavar,
            dest=dest,
            type=kind,
            required=new,
            help=text,
        )


_PLAIN = (
    "models",
    "gpus",
    "vcpus",
    "ram_mib",
    "disk_gib",
    "description",
    "topology",
    "traits",
)


class ListFlavor(verbs.List):
    _description = "List GPU flavors: what can be ordered"
    examples = """
        Examples::

          openstack gpu flavor list
          openstack gpu flavor list --model h100-sxm5-80gb --long
    """
    shown = COLUMNS

    def add_filters(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--model",
            metavar="<model>",
            help="Only those that this GPU model (name) is acceptable to",
        )

    def things(
        self, parsed_args: argparse.Namespace, **page: Any
    ) -> Iterable[flavor_sdk.Flavor]:
        return self.broker.flavors(model=parsed_args.model, **page)


class ShowFlavor(_Flavor, verbs.Show):
    _description = "Show a GPU flavor"


class CreateFlavor(_Flavor, verbs.Create):
    _description = "Make a GPU flavor (operators only)"
    examples = """
        Examples::

          openstack gpu flavor create --model a100-sxm4-80gb --gpus 2 \\
              --vcpus 32 --ram 245760 --disk 200 --topology prefer \\
              vm.gpu.a100.2
    """

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        _add_options(parser, new=True)

    def attrs(self, parsed_args: argparse.Namespace) -> dict[str, Any]:
        attrs = base.given(parsed_args, _PLAIN)
        if parsed_args.properties:
            attrs["extra_specs"] = parsed_args.properties
        return attrs


class SetFlavor(_Flavor, verbs.Set):
    _description = "Change a GPU flavor (operators only)"
    examples = """
        Leases that were ordered before keep what they were ordered with.
    """

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--name", metavar="<name>", help="New name")
        _add_options(parser, new=False)
        parser.add_argument(
            "--no-property",
            action="store_true",
            help="Drop all properties, before those of --property are set",
        )
        parser.add_argument(
            "--no-trait", action="store_true", help="Drop all traits"
        )

    def attrs(
        self, parsed_args: argparse.Namespace, flavor: flavor_sdk.Flavor, /
    ) -> dict[str, Any]:
        attrs = base.given(parsed_args, ("name", *_PLAIN))
        if parsed_args.no_trait:
            attrs["traits"] = parsed_args.traits or []
        if parsed_args.properties or parsed_args.no_property:
            kept = {} if parsed_args.no_property else flavor.extra_specs or {}
            attrs["extra_specs"] = {**kept, **(parsed_args.properties or {})}
        return attrs


class DeleteFlavor(_Flavor, verbs.Delete):
    _description = "Delete GPU flavors (operators only)"
    several = "GPU flavor(s) to delete (name or ID)"
