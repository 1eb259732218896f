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

"""openstack gpu queue list"""

from __future__ import annotations

import argparse
from typing import Any

from gpubroker.client.cli import base
from gpubroker.client.cli import columns
from gpubroker.client.cli import durations
from gpubroker.client.cli import lease_view
from gpubroker.client.sdk import lease as lease_sdk


def _queue(lease: lease_sdk.Lease, key: str) -> Any:
    return (lease.queue or {}).get(key)


def _waited(lease: lease_sdk.Lease) -> columns.Human:
    words = durations.format_until(lease.requested_at, lease_view.now())
    return columns.Human(lease.requested_at, words)


COLUMNS = (
    columns.Column("Pool", "pool"),
    columns.Column("Place", lambda x: columns.cell(_queue(x, "place"))),
    columns.Column("Lease", "name"),
    columns.Column("Flavor", "flavor"),
    columns.Column("Nodes", "nodes"),
    columns.Column(
        "Reason",
        lambda x: columns.cell(_queue(x, "waiting_for") or x.reason),
    ),
    columns.Column("Ordered", _waited),
    columns.Column("ID", "id"),
    columns.Column("Project ID", "project_id", long=True),
)


def _order(lease: lease_sdk.Lease) -> tuple[str, int, str]:
    place = _queue(lease, "place")
    # One that waits for its user's rights has no place: behind all that have.
    return lease.pool, place or 10**9, lease.requested_at


class ListQueue(base.Lister):
    _description = "List the leases that wait, in the order of their places"
    examples = """
        Examples::

          openstack gpu queue list
          openstack gpu queue list --all-projects --pool default

        Places count the orders of all projects, also where only one's own
        leases are shown. A lease that waits until its user's rights work
        again has no place.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--pool", metavar="<pool>", help="Only in this pool"
        )
        base.add_project_options(parser)
        base.add_long(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> columns.Table:
        leases = self.broker.leases(
            state="queued",
            pool=parsed_args.pool,
            **base.project_query(self.connection, parsed_args),
        )
        return columns.table(
            sorted(leases, key=_order), COLUMNS, parsed_args.long
        )
