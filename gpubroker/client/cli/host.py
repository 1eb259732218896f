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
from collections.abc import Iterable
from typing import Any

from gpubroker.client.cli import base
from gpubroker.client.cli import columns
from gpubroker.client.cli import durations
from gpubroker.client.cli import lease_view
from gpubroker.client.cli import verbs
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
    "drain",
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
    if host.drain:
        notes.append(drain_text(host.drain))
    if host.suspect_until:
        why = host.suspect_reason or "starts failed there"
        notes.append(f"no new leases until {host.suspect_until}: {why}")
    notes.extend(
        str(one.get("detail") or one.get("kind"))
        for one in host.conditions or ()
    )
    return "\n".join(notes)


def drain_text(drain: dict[str, str] | None) -> str:
    """Since when no GPU of it is given out, and why.

    >>> drain_text({"at": "2026-12-01T08:00:00Z", "detail": "moves"})
    'drained since 2026-12-01T08:00:00Z: moves'
    """
    if not drain:
        return ""
    words = f"drained since {drain.get('at')}"
    return f"{words}: {drain['detail']}" if drain.get("detail") else words


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


class _Host(verbs.Noun):
    noun = "host"
    named = "Host (name)"

    def record(self, host: host_sdk.Host, /) -> columns.Record:
        return columns.record(
            host,
            FIELDS,
            {
                "devices": lambda x: columns.Human(
                    x.devices, devices_text(x.devices)
                ),
                "drain": lambda x: columns.Human(x.drain, drain_text(x.drain)),
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


class ListHost(verbs.List):
    _description = "List GPU hosts (operators only)"
    shown = COLUMNS

    def add_filters(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--pool", metavar="<pool>", help="Only of this")
        parser.add_argument(
            "--mode", choices=("observe", "manage"), help="Only in this mode"
        )
        parser.add_argument(
            "--device-availability",
            metavar="<availability>",
            help="Only with a GPU that is free, leased, used_outside, "
            "fenced, sick, vanished or unknown",
        )

    def things(
        self, parsed_args: argparse.Namespace, **page: Any
    ) -> Iterable[host_sdk.Host]:
        return self.broker.hosts(
            pool=parsed_args.pool,
            mode=parsed_args.mode,
            device_availability=parsed_args.device_availability,
            **page,
        )


class ShowHost(_Host, verbs.Show):
    _description = "Show a GPU host (operators only)"


class CreateHost(_Host, verbs.Create):
    _description = (
        "Make a GPU host known (operators only); its agent needs "
        "openstack gpu host enroll"
    )
    name = ("<host>", "Nova's name of the host")

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--hypervisor-hostname",
            metavar="<name>",
            help="Its name in Placement, where it differs",
        )
        add_options(parser, new=True)

    def attrs(self, parsed_args: argparse.Namespace) -> dict[str, Any]:
        return base.given(parsed_args, ("hypervisor_hostname", "pool", "mode"))


class SetHost(_Host, verbs.Set):
    _description = "Change a GPU host (operators only)"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_options(parser, new=False)

    def attrs(
        self, parsed_args: argparse.Namespace, host: host_sdk.Host, /
    ) -> dict[str, Any]:
        return base.given(parsed_args, ("pool", "mode"))


class DeleteHost(_Host, verbs.Delete):
    _description = "Forget GPU hosts (operators only)"
    several = "Host(s) to forget (name); no GPU may be present there"


class DrainHost(_Host, verbs.Named):
    _description = (
        "Give out no GPU of a host again (operators only); its leases run to "
        "their end, and GPUs that are found there later are held back, too"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--reason",
            metavar="<text>",
            default="",
            help="Why, in words for the next operator",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.broker.drain_host(self.meant(parsed_args), parsed_args.reason)


class ResumeHost(_Host, verbs.Named):
    _description = (
        "Give out the GPUs of a host again that was drained (operators only)"
    )

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.broker.resume_host(self.meant(parsed_args))
