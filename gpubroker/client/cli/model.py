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

"""openstack gpu model ..."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from typing import Any

from gpubroker.client.cli import base
from gpubroker.client.cli import columns
from gpubroker.client.cli import verbs
from gpubroker.client.sdk import model as model_sdk

FIELDS = (
    "name",
    "family",
    "vendor",
    "memory_mib",
    "vendor_id",
    "product_ids",
    "subsystem_ids",
    "resource_class",
    "alias",
    "device_type",
    "board_slots",
    "blocks",
    "builtin",
    "generation",
    "created_at",
    "updated_at",
)

COLUMNS = (
    columns.Column("Name", "name"),
    columns.Column("Family", "family"),
    columns.Column("Vendor", "vendor"),
    columns.Column("Memory MiB", "memory_mib"),
    columns.Column(
        "PCI IDs",
        lambda x: columns.words(f"{x.vendor_id}:{p}" for p in x.product_ids),
    ),
    columns.Column("Resource Class", "resource_class"),
    columns.Column("Alias", "alias", long=True),
    columns.Column("Device Type", "device_type", long=True),
    columns.Column("Subsystem IDs", "subsystem_ids", long=True),
    columns.Column("Board Slots", "board_slots", long=True),
    columns.Column("Blocks", lambda x: _blocks(x.blocks), long=True),
    columns.Column("Builtin", "is_builtin", long=True),
)

_PLAIN = (
    "family",
    "vendor",
    "vendor_id",
    "product_ids",
    "subsystem_ids",
    "memory_mib",
    "resource_class",
    "alias",
    "device_type",
    "board_slots",
    "blocks",
)


def parse_block(text: str) -> list[int]:
    """Read the slots of one block, ``0,1,2,3``.

    :raises argparse.ArgumentTypeError: with a sentence for people.
    """
    if not re.fullmatch(r"[0-9]{1,3}(,[0-9]{1,3})*", text):
        raise argparse.ArgumentTypeError(
            f"{text[:40]!r} is not a block; write the slots with commas, "
            f"for example 0,1,2,3"
        )
    return [int(part) for part in text.split(",")]


def _blocks(blocks: list[list[int]] | None) -> columns.Human:
    return columns.Human(
        blocks or [],
        "  ".join(",".join(map(str, block)) for block in blocks or ()),
    )


class _Model(verbs.Noun):
    noun = "model"
    named = "Model (name)"

    def record(self, model: model_sdk.Model, /) -> columns.Record:
        return columns.record(
            model,
            FIELDS,
            {
                "blocks": lambda x: _blocks(x.blocks),
                "builtin": lambda x: x.is_builtin,
            },
        )


def _add_options(parser: argparse.ArgumentParser, new: bool) -> None:
    replaces = "" if new else "; replaces those it has"
    parser.add_argument(
        "--family",
        metavar="<family>",
        required=new,
        help="What people say, for example a100",
    )
    parser.add_argument(
        "--vendor",
        metavar="<vendor>",
        required=new,
        help="Name of the vendor, for example NVIDIA",
    )
    _add_pci_options(parser, new, replaces)
    parser.add_argument(
        "--memory",
        metavar="<MiB>",
        dest="memory_mib",
        type=base.positive,
        required=new,
        help="Memory of one GPU in MiB",
    )
    _add_cloud_options(parser, replaces)


def _add_pci_options(
    parser: argparse.ArgumentParser, new: bool, replaces: str
) -> None:
    """By what a card of this model is known on the bus."""
    parser.add_argument(
        "--vendor-id",
        metavar="<hex>",
        required=new,
        help="PCI vendor ID, four hex digits, for example 10de",
    )
    parser.add_argument(
        "--product-id",
        metavar="<hex>",
        dest="product_ids",
        action="append",
        required=new,
        help=f"PCI product ID, four hex digits; repeat for several{replaces}",
    )
    parser.add_argument(
        "--subsystem-id",
        metavar="<hex:hex>",
        dest="subsystem_ids",
        action="append",
        help="PCI subsystem ID, for example 10de:1463, where the product ID "
        f"alone does not tell the model; repeat for several{replaces}",
    )


def _add_cloud_options(parser: argparse.ArgumentParser, replaces: str) -> None:
    parser.add_argument(
        "--resource-class",
        metavar="<class>",
        help="Placement resource class (default: from the name)",
    )
    parser.add_argument(
        "--alias",
        metavar="<alias>",
        help="Nova PCI alias (default: the name)",
    )
    parser.add_argument(
        "--device-type",
        metavar="<type>",
        choices=("type-PCI", "type-PF", "type-VF"),
        help="What Nova takes its cards for: type-PCI (default), or type-PF "
        "where they are able to do SR-IOV, whether that is used or not",
    )
    parser.add_argument(
        "--board-slots",
        metavar="<count>",
        type=base.natural,
        help="GPUs on one baseboard; 0: single cards",
    )
    parser.add_argument(
        "--block",
        metavar="<slots>",
        dest="blocks",
        action="append",
        type=parse_block,
        help="Slots that belong together, with fast links between them, for "
        f"example 0,1,2,3; repeat for each{replaces}",
    )


class ListModel(verbs.List):
    _description = "List the GPU models of the catalogue"
    shown = COLUMNS

    def add_filters(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--family", metavar="<family>", help="Only this family: a100"
        )
        parser.add_argument(
            "--vendor", metavar="<vendor>", help="Only of this vendor"
        )

    def things(
        self, parsed_args: argparse.Namespace, **page: Any
    ) -> Iterable[model_sdk.Model]:
        return self.broker.models(
            family=parsed_args.family, vendor=parsed_args.vendor, **page
        )


class ShowModel(_Model, verbs.Show):
    _description = "Show a GPU model"


class CreateModel(_Model, verbs.Create):
    _description = "Add a GPU model to the catalogue (operators only)"
    examples = """
        Examples::

          openstack gpu model create --family mi300x --vendor AMD \\
              --vendor-id 1002 --product-id 74a1 --memory 196608 \\
              --device-type type-PF mi300x-oam-192gb
    """

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        _add_options(parser, new=True)

    def attrs(self, parsed_args: argparse.Namespace) -> dict[str, Any]:
        return base.given(parsed_args, _PLAIN)


class SetModel(_Model, verbs.Set):
    _description = "Change a GPU model (operators only)"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        _add_options(parser, new=False)

    def attrs(
        self, parsed_args: argparse.Namespace, model: model_sdk.Model, /
    ) -> dict[str, Any]:
        return base.given(parsed_args, _PLAIN)


class DeleteModel(_Model, verbs.Delete):
    _description = "Delete GPU models from the catalogue (operators only)"
    several = "Model(s) to delete (name)"
