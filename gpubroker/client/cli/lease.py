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

"""openstack gpu lease ..., all but create."""

from __future__ import annotations

import argparse
import datetime
from typing import TYPE_CHECKING, Any

from gpubroker.client import errors
from gpubroker.client.cli import base
from gpubroker.client.cli import columns
from gpubroker.client.cli import durations
from gpubroker.client.cli import event
from gpubroker.client.cli import progress
from gpubroker.client.cli import waiting
from gpubroker.client.sdk import lease as lease_sdk

if TYPE_CHECKING:
    from gpubroker.client import sdk

#: States in which a lease is not over.
LIVING = ("queued", "starting", "active", "ending")

#: What a person looks for first comes first.
FIELDS = (
    "name",
    "id",
    "state",
    "reason",
    "queue",
    "addresses",
    "login",
    "console_url",
    "servers",
    "flavor",
    "model",
    "gpus",
    "nodes",
    "pool",
    "expires_at",
    "duration",
    "requested_at",
    "started_at",
    "ended_at",
    "end_cause",
    "progress",
    "workload",
    "attempts",
    "identity_mode",
    "project_id",
    "user_id",
    "generation",
    "created_at",
    "updated_at",
)


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _of_servers(lease: lease_sdk.Lease, field: str) -> list[Any]:
    return [
        server[field] for server in lease.servers or () if server.get(field)
    ]


def _addresses(lease: lease_sdk.Lease) -> list[str]:
    return [
        address
        for found in _of_servers(lease, "addresses")
        for address in found
    ]


def server_text(server: dict[str, Any]) -> str:
    """One server of a lease: what it is, and to operators where."""
    words = [
        f"{server.get('node')}: {server.get('name') or '(none yet)'}",
        str(server.get("status") or ""),
        ", ".join(server.get("addresses") or ()),
    ]
    if server.get("key_name"):
        words.append(f"key {server['key_name']}")
    if server.get("host"):
        words.append(f"on {server['host']}")
    words.extend(
        f"{device.get('pci_address')} (slot {device.get('slot')}, "
        f"serial {device.get('serial') or 'not readable'})"
        for device in server.get("devices") or ()
    )
    if server.get("fault"):
        words.append(f"fault: {server['fault']}")
    return "  ".join(filter(None, words))


def _expiry(lease: lease_sdk.Lease) -> columns.Human:
    words = ""
    if lease.expires_at:
        words = f"{lease.expires_at}"
        if not lease.is_final:
            words += f" ({durations.format_until(lease.expires_at, now())})"
    return columns.Human(lease.expires_at, words)


def _steps(lease: lease_sdk.Lease) -> columns.Human:
    found = lease.progress or []
    texts = [progress.step_text(step, lease.nodes or 1) for step in found]
    return columns.Human(found, "\n".join(text.strip() for text in texts))


def record(
    lease: lease_sdk.Lease,
) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """A lease as ``show`` has it."""
    return columns.record(
        lease,
        FIELDS,
        {
            "queue": lambda x: columns.Human(
                x.queue, progress.waiting_text(x) if x.queue else ""
            ),
            "addresses": lambda x: columns.lines(_addresses(x)),
            "login": lambda x: columns.lines(_of_servers(x, "login")),
            "console_url": lambda x: columns.lines(
                _of_servers(x, "console_url")
            ),
            "servers": lambda x: columns.Human(
                x.servers or [], "\n".join(map(server_text, x.servers or ()))
            ),
            "expires_at": _expiry,
            "duration": lambda x: columns.Human(
                x.duration, durations.format_duration(x.duration)
            ),
            "progress": _steps,
        },
    )


def _expires(lease: lease_sdk.Lease) -> columns.Human:
    if lease.is_final or not lease.expires_at:
        return columns.Human(lease.expires_at, "")
    return columns.Human(
        lease.expires_at, durations.format_until(lease.expires_at, now())
    )


def _why(lease: lease_sdk.Lease) -> columns.Human:
    words = lease.reason
    if lease.state == "queued":
        words = progress.waiting_text(lease)
    return columns.Human(lease.reason, words or "")


COLUMNS = (
    columns.Column("ID", "id"),
    columns.Column("Name", "name"),
    columns.Column("State", "state"),
    columns.Column("Flavor", "flavor"),
    columns.Column("Nodes", "nodes"),
    columns.Column("Addresses", lambda x: columns.lines(_addresses(x))),
    columns.Column("Expires", _expires),
    columns.Column("Reason", _why),
    columns.Column("Model", "model", long=True),
    columns.Column("GPUs", "gpus", long=True),
    columns.Column("Pool", "pool", long=True),
    columns.Column("Project ID", "project_id", long=True),
    columns.Column("User ID", "user_id", long=True),
    columns.Column("Requested At", "requested_at", long=True),
    columns.Column("Started At", "started_at", long=True),
    columns.Column("Ended At", "ended_at", long=True),
    columns.Column("End Cause", "end_cause", long=True),
)


class ListLease(base.Lister):
    _description = "List leases"
    examples = """
        Examples::

          openstack gpu lease list
          openstack gpu lease list --all --long
          openstack gpu lease list --all-projects --state queued,starting

        Leases that are over (ended or failed) are shown with --all, or when
        --state or --name asks for them.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--state",
            metavar="<state>",
            help="Only in this state, or in one of several with commas: "
            "queued, starting, active, ending, ended, failed",
        )
        parser.add_argument(
            "--name", metavar="<name>", help="Only leases of this name"
        )
        parser.add_argument(
            "--flavor", metavar="<flavor>", help="Only of this GPU flavor"
        )
        parser.add_argument(
            "--pool", metavar="<pool>", help="Only in this pool"
        )
        parser.add_argument(
            "--all",
            action="store_true",
            help="Also leases that are over (ended or failed)",
        )
        base.add_project_options(parser)
        base.add_paging_options(parser)
        base.add_long(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        state: Any = parsed_args.state
        if not (state or parsed_args.all or parsed_args.name):
            state = LIVING
        leases = self.broker.leases(
            state=state,
            name=parsed_args.name,
            flavor=parsed_args.flavor,
            pool=parsed_args.pool,
            **base.project_query(self.connection, parsed_args),
            **base.paging_query(parsed_args),
        )
        return columns.table(leases, COLUMNS, parsed_args.long)


class LeaseCommand(base.Command):
    """A command on one lease that is named on the command line."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "lease", metavar="<lease>", help="Lease (name or ID)"
        )
        base.add_all_projects(parser, "Find it by name in any project")
        return parser

    def find(self, parsed_args: argparse.Namespace) -> lease_sdk.Lease:
        return find(self.broker, parsed_args.lease, parsed_args.all_projects)


def find(
    broker: sdk.Proxy, name_or_id: str, all_projects: bool
) -> lease_sdk.Lease:
    """The lease that is meant.

    :raises openstack.exceptions.SDKException: see ``Proxy.find_lease``.
    """
    query = {"all_projects": True} if all_projects else {}
    found = broker.find_lease(name_or_id, ignore_missing=False, **query)
    assert found is not None  # noqa: S101 it was not to be ignored
    return found


class ShowLease(LeaseCommand, base.ShowOne):
    _description = "Show a lease: where it stands, and how to log in"
    examples = """
        Examples::

          openstack gpu lease show train
          openstack gpu lease show train -f value -c login
    """

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        return record(self.find(parsed_args))


class SetLease(LeaseCommand):
    _description = "Rename a lease"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--name", metavar="<name>", required=True, help="New name"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.broker.update_lease(self.find(parsed_args), name=parsed_args.name)


class ExtendLease(LeaseCommand, base.ShowOne):
    _description = "Let a lease run longer"
    examples = """
        Examples::

          openstack gpu lease extend train --by 2h
          openstack gpu lease extend train --until 2026-12-01T08:00Z
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        how = parser.add_mutually_exclusive_group(required=True)
        how.add_argument(
            "--by",
            metavar="<duration>",
            type=durations.parse_duration,
            help="So much longer: 2h, 30m, 1d12h (w, d, h, m, s)",
        )
        how.add_argument(
            "--until",
            metavar="<time>",
            type=durations.parse_time,
            help="Until then: ISO 8601 with a zone, 2026-12-01T08:00Z",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        found = self.broker.extend_lease(
            self.find(parsed_args),
            by=parsed_args.by,
            until=parsed_args.until,
        )
        return record(found)


class DeleteLease(base.Command):
    _description = "End leases; their servers are deleted"
    examples = """
        Examples::

          openstack gpu lease delete train
          openstack gpu lease delete train eval --wait

        A queued lease leaves the queue. What became of a lease stays to be
        seen with "openstack gpu lease show".
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "leases",
            metavar="<lease>",
            nargs="+",
            help="Lease(s) to end (name or ID)",
        )
        parser.add_argument(
            "--wait",
            action="store_true",
            help="Wait until nothing of them is left, with progress on "
            "standard error",
        )
        base.add_all_projects(parser, "Find them by name in any project")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        begun: list[str] = []

        def end(key: str) -> None:
            found = find(self.broker, key, parsed_args.all_projects)
            self.broker.delete_lease(found, ignore_missing=False)
            begun.append(found.id)

        def ended(lease_id: str) -> None:
            try:
                waiting.wait(self.app, self.broker, lease_id, "ended")
            except errors.LeaseFailed as error:
                if not error.lease.is_final:
                    raise
                # It had failed already: over is over.

        try:
            base.each("leases", parsed_args.leases, end)
        finally:
            if parsed_args.wait:
                base.each("leases", begun, ended)


class ListLeaseEvent(LeaseCommand, base.Lister):
    _description = "Show the history of a lease"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        base.add_paging_options(parser)
        base.add_long(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        events = self.broker.lease_events(
            self.find(parsed_args), **base.paging_query(parsed_args)
        )
        return columns.table(events, event.COLUMNS, parsed_args.long)
