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

"""openstack gpu host ..., all but enroll."""

from __future__ import annotations

import argparse
from typing import Any

from gpubroker.client.cli import base
from gpubroker.client.cli import columns
from gpubroker.client.cli import durations
from gpubroker.client.cli import lease_view
from gpubroker.client.sdk import host as host_sdk

FIELDS = (
    "name",
    "hypervisor_hostname",
    "pool",
    "mode",
    "devices",
    "compute_state",
    "compute_reason",
    "agent",
    "conditions",
    "suspect_until",
    "suspect_reason",
    "capacities",
    "provider_id",
    "generation",
    "created_at",
    "updated_at",
)


def devices_text(devices: dict[str, int] | None) -> str:
    """How many there are, and what keeps the rest back.

    >>> devices_text({"total": 8, "schedulable": 5, "fenced": 1})
    '8, 5 schedulable, 1 fenced'
    """
    if not devices:
        return ""
    words = [str(devices.get("total", 0))]
    for key, name in (
        ("schedulable", "schedulable"),
        ("in_use", "in use"),
        ("fenced", "fenced"),
        ("vanished", "vanished"),
    ):
        if devices.get(key):
            words.append(f"{devices[key]} {name}")
    return ", ".join(words)


def agent_text(agent: dict[str, Any] | None) -> str:
    """Whether the agent reports, and when it did last."""
    if not agent:
        return "never"
    words = str(agent.get("state") or "never")
    if agent.get("heartbeat_at") and words != "reporting":
        when = durations.format_until(
            str(agent["heartbeat_at"]), lease_view.now()
        )
        words = f"{words}, last {when}"
    return words


def notes_text(host: host_sdk.Host) -> str:
    """What an operator may have to look after."""
    notes = []
    if host.compute_reason:
        notes.append(str(host.compute_reason))
    if host.suspect_until:
        why = host.suspect_reason or "a start failed there"
        notes.append(f"no new leases until {host.suspect_until}: {why}")
    notes.extend(
        str(one.get("detail") or one.get("kind"))
        for one in host.conditions or ()
    )
    return "\n".join(notes)


def capacity_text(capacities: list[dict[str, Any]] | None) -> str:
    """One line a resource class, as Placement counts it."""
    return "\n".join(
        f"{one.get('resource_class')}: {one.get('free')} of "
        f"{one.get('total')} free"
        for one in capacities or ()
    )


COLUMNS = (
    columns.Column("Name", "name"),
    columns.Column("Pool", "pool"),
    columns.Column("Mode", "mode"),
    columns.Column(
        "GPUs",
        lambda x: columns.Human(x.devices, devices_text(x.devices)),
    ),
    columns.Column("Compute", "compute_state"),
    columns.Column(
        "Agent", lambda x: columns.Human(x.agent, agent_text(x.agent))
    ),
    columns.Column(
        "Notes",
        lambda x: columns.Human(x.conditions or [], notes_text(x)),
    ),
    columns.Column("Hypervisor", "hypervisor_hostname", long=True),
    columns.Column(
        "Capacity",
        lambda x: columns.Human(
            x.capacities or [], capacity_text(x.capacities)
        ),
        long=True,
    ),
    columns.Column("Provider ID", "provider_id", long=True),
)


def record(host: host_sdk.Host) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """A host as ``show`` has it."""
    return columns.record(
        host,
        FIELDS,
        {
            "devices": lambda x: columns.Human(
                x.devices, devices_text(x.devices)
            ),
            "conditions": lambda x: columns.Human(
                x.conditions or [],
                "\n".join(
                    f"{one.get('kind')}: {one.get('detail')}"
                    for one in x.conditions or ()
                ),
            ),
            "capacities": lambda x: columns.Human(
                x.capacities or [], capacity_text(x.capacities)
            ),
        },
    )


def add_options(parser: argparse.ArgumentParser, new: bool) -> None:
    """Where a host belongs and what the service may do on it."""
    parser.add_argument(
        "--pool",
        metavar="<pool>",
        help="Pool of the host" + (" (default: default)" if new else ""),
    )
    parser.add_argument(
        "--mode",
        choices=("observe", "manage"),
        help="observe: count its GPUs and write nothing; manage: also start "
        "leases on it" + (" (default: observe)" if new else ""),
    )


class ListHost(base.Lister):
    _description = "List GPU hosts (operators only)"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--pool", metavar="<pool>", help="Only of this")
        parser.add_argument(
            "--mode", choices=("observe", "manage"), help="Only in this mode"
        )
        base.add_paging_options(parser)
        base.add_long(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        hosts = self.broker.hosts(
            pool=parsed_args.pool,
            mode=parsed_args.mode,
            **base.paging_query(parsed_args),
        )
        return columns.table(hosts, COLUMNS, parsed_args.long)


class ShowHost(base.ShowOne):
    _description = "Show a GPU host (operators only)"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="<host>", help="Host (name)")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        return record(base.found(self.broker.find_host, parsed_args.host))


class CreateHost(base.ShowOne):
    _description = (
        "Make a GPU host known (operators only); its agent needs "
        "openstack gpu host enroll"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "name", metavar="<host>", help="Nova's name of the host"
        )
        parser.add_argument(
            "--hypervisor-hostname",
            metavar="<name>",
            help="Its name in Placement, where it differs",
        )
        add_options(parser, new=True)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        attrs = base.given(
            parsed_args, ("name", "hypervisor_hostname", "pool", "mode")
        )
        return record(self.broker.create_host(**attrs))


class SetHost(base.Command):
    _description = "Change a GPU host (operators only)"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="<host>", help="Host (name)")
        add_options(parser, new=False)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        host = base.found(self.broker.find_host, parsed_args.host)
        attrs = base.given(parsed_args, ("pool", "mode"))
        self.broker.update_host(host, **base.changes(attrs))


class DeleteHost(base.Command):
    _description = "Forget GPU hosts (operators only)"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "hosts",
            metavar="<host>",
            nargs="+",
            help="Host(s) to forget (name); no GPU may be present there",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        base.each(
            "hosts",
            parsed_args.hosts,
            lambda key: self.broker.delete_host(
                base.found(self.broker.find_host, key), ignore_missing=False
            ),
        )
