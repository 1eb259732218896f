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
from typing import Any

from osc_lib.cli import parseractions

from gpubroker.client.cli import base
from gpubroker.client.cli import columns
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


def _record(
    flavor: flavor_sdk.Flavor,
) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    return columns.record(
        flavor, FIELDS, {"models": lambda x: columns.words(x.models, " or ")}
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
        "with fast links between them" + (" (default: any)" if new else ""),
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
        help="Placement trait that each GPU must have; repeat for several"
        + replaces,
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


class ListFlavor(base.Lister):
    _description = "List GPU flavors: what can be ordered"
    examples = """
        Examples::

          openstack gpu flavor list
          openstack gpu flavor list --model h100-sxm5-80gb --long
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--model",
            metavar="<model>",
            help="Only those that this GPU model (name) is acceptable to",
        )
        base.add_paging_options(parser)
        base.add_long(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        flavors = self.broker.flavors(
            model=parsed_args.model, **base.paging_query(parsed_args)
        )
        return columns.table(flavors, COLUMNS, parsed_args.long)


class ShowFlavor(base.ShowOne):
    _description = "Show a GPU flavor"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "flavor", metavar="<flavor>", help="GPU flavor (name or ID)"
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        return _record(base.found(self.broker.find_flavor, parsed_args.flavor))


class CreateFlavor(base.ShowOne):
    _description = "Make a GPU flavor (operators only)"
    examples = """
        Examples::

          openstack gpu flavor create --model a100-sxm4-80gb --gpus 2 \\
              --vcpus 32 --ram 245760 --disk 200 --topology prefer \\
              vm.gpu.a100.2
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="<name>", help="Name")
        _add_options(parser, new=True)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        attrs = base.given(parsed_args, _PLAIN)
        if parsed_args.properties:
            attrs["extra_specs"] = parsed_args.properties
        return _record(
            self.broker.create_flavor(name=parsed_args.name, **attrs)
        )


class SetFlavor(base.Command):
    _description = "Change a GPU flavor (operators only)"
    examples = """
        Leases that were ordered before keep what they were ordered with.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "flavor", metavar="<flavor>", help="GPU flavor (name or ID)"
        )
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
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        flavor = base.found(self.broker.find_flavor, parsed_args.flavor)
        attrs = base.given(parsed_args, ("name", *_PLAIN))
        if parsed_args.no_trait:
            attrs["traits"] = parsed_args.traits or []
        if parsed_args.properties or parsed_args.no_property:
            kept = {} if parsed_args.no_property else flavor.extra_specs or {}
            attrs["extra_specs"] = {**kept, **(parsed_args.properties or {})}
        self.broker.update_flavor(flavor, **base.changes(attrs))


class DeleteFlavor(base.Command):
    _description = "Delete GPU flavors (operators only)"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "flavors",
            metavar="<flavor>",
            nargs="+",
            help="GPU flavor(s) to delete (name or ID)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        base.each(
            "flavors",
            parsed_args.flavors,
            lambda key: self.broker.delete_flavor(
                base.found(self.broker.find_flavor, key), ignore_missing=False
            ),
        )
