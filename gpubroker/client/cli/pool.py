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
from typing import Any

from gpubroker.client.cli import base
from gpubroker.client.cli import columns
from gpubroker.client.sdk import pool as pool_sdk

FIELDS = (
    "name",
    "description",
    "admission",
    "projects",
    "hosts",
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


def _record(pool: pool_sdk.Pool) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    return columns.record(pool, FIELDS)


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


class ListPool(base.Lister):
    _description = "List pools: groups of hosts that are planned together"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        base.add_paging_options(parser)
        base.add_long(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        pools = self.broker.pools(**base.paging_query(parsed_args))
        return columns.table(pools, COLUMNS, parsed_args.long)


class ShowPool(base.ShowOne):
    _description = "Show a pool"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("pool", metavar="<pool>", help="Pool (name)")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        return _record(base.found(self.broker.find_pool, parsed_args.pool))


class CreatePool(base.ShowOne):
    _description = "Make a pool (operators only)"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="<name>", help="Name")
        _add_options(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        attrs = base.given(parsed_args, ("name", "description", "admission"))
        if parsed_args.projects:
            attrs["projects"] = base.project_ids(
                self.connection, parsed_args.projects
            )
        return _record(self.broker.create_pool(**attrs))


class SetPool(base.Command):
    _description = "Change a pool (operators only)"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("pool", metavar="<pool>", help="Pool (name)")
        _add_options(parser)
        parser.add_argument(
            "--no-project",
            action="store_true",
            help="Drop all owners, before those of --project are added",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        pool = base.found(self.broker.find_pool, parsed_args.pool)
        attrs = base.given(parsed_args, ("description", "admission"))
        if parsed_args.projects or parsed_args.no_project:
            owners = [] if parsed_args.no_project else pool.projects or []
            added = base.project_ids(
                self.connection, parsed_args.projects or ()
            )
            attrs["projects"] = list(dict.fromkeys([*owners, *added]))
        self.broker.update_pool(pool, **base.changes(attrs))


class DeletePool(base.Command):
    _description = "Delete pools (operators only)"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "pools",
            metavar="<pool>",
            nargs="+",
            help="Pool(s) to delete (name); no host may be in them",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        base.each(
            "pools",
            parsed_args.pools,
            lambda key: self.broker.delete_pool(
                base.found(self.broker.find_pool, key), ignore_missing=False
            ),
        )
