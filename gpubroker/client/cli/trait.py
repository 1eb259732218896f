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

"""openstack gpu trait ..."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from gpubroker.client.cli import base
from gpubroker.client.cli import columns
from gpubroker.client.cli import verbs
from gpubroker.client.sdk import trait as trait_sdk

COLUMNS = (
    columns.Column("Trait", "trait"),
    columns.Column("Source", "source"),
    columns.Column("Host", "host"),
    columns.Column("Device ID", "device_id"),
)


class ListTrait(verbs.List):
    _description = (
        "List the Placement traits of hosts and devices, and where they "
        "came from (operators only)"
    )
    examples = """
        Examples::

          openstack gpu trait list --host gpu-1
          openstack gpu trait list --trait CUSTOM_NVLINK
    """

    shown = COLUMNS

    def add_filters(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--trait", metavar="<trait>", help="Only this trait"
        )
        parser.add_argument("--host", metavar="<host>", help="Only on this")
        parser.add_argument(
            "--device",
            metavar="<device>",
            help="Only of this device (ID, host/PCI-address or serial)",
        )

    def things(
        self, parsed_args: argparse.Namespace, **page: Any
    ) -> Iterable[trait_sdk.Trait]:
        device_id = None
        if parsed_args.device:
            device_id = base.found(
                self.broker.find_device, parsed_args.device
            ).id
        return self.broker.traits(
            trait=parsed_args.trait,
            host=parsed_args.host,
            device_id=device_id,
            **page,
        )
