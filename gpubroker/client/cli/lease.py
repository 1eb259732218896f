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
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gpubroker.client import errors
from gpubroker.client.cli import base
from gpubroker.client.cli import columns
from gpubroker.client.cli import durations
from gpubroker.client.cli import event
from gpubroker.client.cli import lease_view
from gpubroker.client.cli import verbs
from gpubroker.client.cli import waiting
from gpubroker.client.sdk import event as event_sdk
from gpubroker.client.sdk import lease as lease_sdk

if TYPE_CHECKING:
    from gpubroker.client import sdk

#: States in which a lease is not over.
LIVING = ("queued", "starting", "active", "ending")


class ListLease(verbs.List):
    _description = "List leases"
    examples = """
        Examples::

          openstack gpu lease list
          openstack gpu lease list --all --long
          openstack gpu lease list --all-projects --state queued,starting

        Leases that are over (ended or failed) are shown with --all, or when
        --state or --name asks for them.
    """

    shown = lease_view.COLUMNS

    def add_filters(self, parser: argparse.ArgumentParser) -> None:
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

    def things(
        self, parsed_args: argparse.Namespace, **page: Any
    ) -> Iterable[lease_sdk.Lease]:
        state: Any = parsed_args.state
        if not (state or parsed_args.all or parsed_args.name):
            state = LIVING
        return self.broker.leases(
            state=state,
            name=parsed_args.name,
            flavor=parsed_args.flavor,
            pool=parsed_args.pool,
            **base.project_query(self.connection, parsed_args),
            **page,
        )


class _Lease(verbs.Named):
    """A command on one lease that is named on the command line."""

    noun = "lease"
    named = "Lease (name or ID)"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        base.add_all_projects(parser, "Find it by name in any project")
        return parser

    def meant(self, parsed_args: argparse.Namespace) -> lease_sdk.Lease:
        return find(self.broker, parsed_args.lease, parsed_args.all_projects)

    def record(self, lease: lease_sdk.Lease, /) -> columns.Record:
        return lease_view.record(lease)


def find(
    broker: sdk.Proxy, name_or_id: str, all_projects: bool
) -> lease_sdk.Lease:
    """The lease that is meant.

    :raises openstack.exceptions.SDKException: see ``Proxy.find_lease``.
    """
    query = {"all_projects": True} if all_projects else {}
    return base.found(broker.find_lease, name_or_id, **query)


class ShowLease(_Lease, verbs.Show):
    _description = "Show a lease: where it stands, and how to log in"
    examples = """
        Examples::

          openstack gpu lease show train
          openstack gpu lease show train -f value -c login
    """

    def meant(self, parsed_args: argparse.Namespace) -> lease_sdk.Lease:
        found = super().meant(parsed_args)
        if found.state == "active":
            found = self.broker.get_lease(found.id, console=True)
        return found


class AdoptLease(base.ShowOne):
    _description = (
        "Make a running server that the broker did not start a lease"
    )
    examples = """
        Examples::

          openstack gpu lease adopt 0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9
          openstack gpu lease adopt 0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9 \\
            --name train --flavor a100.1 --duration 30d

        The lease is of the server's project. When it ends the server is
        deleted.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "server",
            metavar="<server>",
            help="ID of the server, of any project; ACTIVE or SHUTOFF",
        )
        parser.add_argument(
            "--name",
            metavar="<name>",
            help="Name of the lease (default: that of the server)",
        )
        parser.add_argument(
            "--flavor",
            metavar="<flavor>",
            help="GPU flavor that describes the server exactly (default: "
            "the lease's flavor is called adopted)",
        )
        parser.add_argument(
            "--duration",
            metavar="<duration>",
            type=durations.parse_duration,
            help="How long from now on, after which the server is deleted: "
            "2h, 30m, 1d12h (w, d, h, m, s) (default: no end)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> columns.Record:
        found = self.broker.adopt_lease(
            parsed_args.server,
            name=parsed_args.name,
            flavor=parsed_args.flavor,
            duration=parsed_args.duration,
        )
        return lease_view.record(found)


class SetLease(_Lease):
    _description = "Rename a lease"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--name", metavar="<name>", required=True, help="New name"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        # By id, so that no generation is sent: what the service does with
        # the lease meanwhile is no reason to refuse a new name.
        self.broker.update_lease(
            self.meant(parsed_args).id, name=parsed_args.name
        )


class ExtendLease(_Lease, base.ShowOne):
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

    def take_action(self, parsed_args: argparse.Namespace) -> columns.Record:
        found = self.broker.extend_lease(
            self.meant(parsed_args),
            by=parsed_args.by,
            until=parsed_args.until,
        )
        return self.record(found)


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
        begun: dict[str, lease_sdk.Lease] = {}

        def end(key: str) -> None:
            found = find(self.broker, key, parsed_args.all_projects)
            self.broker.delete_lease(found.id, ignore_missing=False)
            begun[found.id] = found

        def ended(key: str) -> None:
            try:
                waiting.wait(self.app, self.broker, begun[key], "ended")
            except errors.LeaseFailed as error:
                if not error.lease.is_final:
                    raise
                # It had failed already: over is over.

        try:
            base.each("leases", parsed_args.leases, end)
        finally:
            if parsed_args.wait:
                base.each("leases", begun, ended)


class ListLeaseEvent(verbs.List, _Lease):
    _description = "Show the history of a lease"
    shown = event.COLUMNS

    def things(
        self, parsed_args: argparse.Namespace, **page: Any
    ) -> Iterable[event_sdk.LeaseEvent]:
        return self.broker.lease_events(self.meant(parsed_args), **page)
