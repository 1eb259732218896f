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

"""openstack gpu lease create"""

from __future__ import annotations

import argparse
from typing import Any

from osc_lib.cli import parseractions

from gpubroker.client.cli import base
from gpubroker.client.cli import columns
from gpubroker.client.cli import durations
from gpubroker.client.cli import lease_view
from gpubroker.client.cli import waiting
from gpubroker.client.cli import workload


class _Nic(argparse.Action):
    """Keeps --network and --port in one list, in the order given."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        nics = list(getattr(namespace, self.dest) or ())
        nics.append(((option_string or "").lstrip("-"), values))
        setattr(namespace, self.dest, nics)


class CreateLease(base.ShowOne):
    _description = "Order GPUs: a server, or several, with GPUs for a time"
    examples = """
        Examples::

          openstack gpu lease create --flavor vm.gpu.a100.2 \\
              --image ubuntu-24.04 --network private --key-name mykey \\
              --duration 8h --wait train

          openstack gpu lease create --flavor vm.gpu.h100.8 --nodes 4 \\
              --image ubuntu-24.04 --network private --key-name mykey big

        When nothing is free the lease waits in the queue and starts by
        itself. --wait shows what happens on standard error and ends with
        the lease once it is active; it exits with 1 and the reason when the
        lease can not start. "openstack gpu offer list" shows what could
        start now.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="<name>", help="Name of the lease")
        _add_order_options(parser)
        _add_server_options(parser)
        parser.add_argument(
            "--wait",
            action="store_true",
            help="Wait until it is active, with progress on standard error",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> columns.Record:
        order = {
            "name": parsed_args.name,
            "flavor": parsed_args.flavor,
            "nodes": parsed_args.nodes,
            "pool": parsed_args.pool,
            "duration": parsed_args.duration,
            "workload": workload.build(self.connection, parsed_args),
        }
        made = self.broker.create_lease(
            **{key: value for key, value in order.items() if value is not None}
        )
        if parsed_args.wait:
            made = waiting.wait(self.app, self.broker, made, "active")
            made = self.broker.get_lease(made.id, console=True)
        return lease_view.record(made)


def _add_order_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--flavor",
        metavar="<flavor>",
        required=True,
        help="GPU flavor, name or ID (openstack gpu flavor list)",
    )
    parser.add_argument(
        "--duration",
        metavar="<duration>",
        type=durations.parse_duration,
        help="How long it runs once started: 8h, 30m, 2d, 1h30m "
        "(default: until it is deleted)",
    )
    parser.add_argument(
        "--nodes",
        metavar="<count>",
        type=base.positive,
        help="Servers that start together or not at all (default: 1)",
    )
    parser.add_argument(
        "--pool", metavar="<pool>", help="Pool of hosts to start on"
    )


def _add_server_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--image",
        metavar="<image>",
        required=True,
        help="Image to boot (name or ID)",
    )
    _add_access_options(parser)
    parser.add_argument(
        "--availability-zone",
        metavar="<zone>",
        help="Availability zone of the servers",
    )
    parser.add_argument(
        "--user-data",
        metavar="<file>",
        help="File for cloud-init, less than 48 KiB",
    )
    parser.add_argument(
        "--boot-volume-size",
        metavar="<GiB>",
        type=base.positive,
        help="Boot from a new volume of this size in GiB instead of a local "
        "disk",
    )
    parser.add_argument(
        "--property",
        metavar="<key=value>",
        dest="properties",
        action=parseractions.KeyValueAction,
        help="Metadata of the servers; repeat for several",
    )


def _add_access_options(parser: argparse.ArgumentParser) -> None:
    """How the servers are reached: networks, key, what is let through."""
    parser.add_argument(
        "--network",
        metavar="<network>",
        dest="nics",
        action=_Nic,
        help="Network, name or ID, optionally <network>,fixed-ip=<address>; "
        "or auto (one is made or found), or none; repeat for several",
    )
    parser.add_argument(
        "--port",
        metavar="<port>",
        dest="nics",
        action=_Nic,
        help="Port that is there already (name or ID); repeat for several",
    )
    parser.add_argument(
        "--key-name",
        metavar="<key-name>",
        help="Key pair to log in with (openstack keypair list)",
    )
    parser.add_argument(
        "--security-group",
        metavar="<security-group>",
        dest="security_groups",
        action="append",
        help="Security group (name or ID); repeat for several",
    )
