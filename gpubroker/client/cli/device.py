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

"""openstack gpu device ..."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import Any

from osc_lib import exceptions

from gpubroker.client.cli import base
from gpubroker.client.cli import columns
from gpubroker.client.cli import event
from gpubroker.client.cli import verbs
from gpubroker.client.sdk import device as device_sdk
from gpubroker.client.sdk import event as event_sdk

FIELDS = (
    "id",
    "host",
    "pci_address",
    "slot",
    "model",
    "state",
    "health",
    "health_reasons",
    "fences",
    "availability",
    "schedulable",
    "use",
    "serial",
    "uuid",
    "vendor_id",
    "product_id",
    "subsystem_id",
    "numa_node",
    "driver",
    "provider",
    "traits",
    "first_seen_at",
    "last_seen_at",
    "generation",
    "created_at",
    "updated_at",
)

#: Fences that are lifted by hand.
LIFTABLE = ("operator", "unadmitted", "health")


def use_text(use: dict[str, Any] | None) -> str:
    """Who has the card."""
    kind = str((use or {}).get("kind") or "")
    lease_id = (use or {}).get("lease_id")
    return f"{kind} {lease_id}" if lease_id else kind


def fence_text(fence: dict[str, Any]) -> str:
    """One fence with all that is known of it."""
    words = str(fence.get("reason"))
    if fence.get("detail"):
        words += f": {fence['detail']}"
    more = [
        f"{name} {fence[key]}"
        for key, name in (
            ("by", "by"),
            ("created_at", "since"),
            ("lease_id", "lease"),
        )
        if fence.get(key)
    ]
    return f"{words} ({', '.join(more)})" if more else words


def _fences(device: device_sdk.Device) -> columns.Human:
    found = device.fences or []
    return columns.Human(
        found, ", ".join(str(fence.get("reason")) for fence in found)
    )


COLUMNS = (
    columns.Column("Host", "host"),
    columns.Column("PCI Address", "pci_address"),
    columns.Column("Slot", "slot"),
    columns.Column("Model", "model"),
    columns.Column("State", "state"),
    columns.Column("Health", "health"),
    columns.Column("Use", lambda x: columns.Human(x.use, use_text(x.use))),
    columns.Column("Fences", _fences),
    columns.Column("ID", "id"),
    columns.Column("Serial", "serial", long=True),
    columns.Column("UUID", "uuid", long=True),
    columns.Column("NUMA Node", "numa_node", long=True),
    columns.Column("Driver", "driver", long=True),
    columns.Column("Schedulable", "is_schedulable", long=True),
    columns.Column("Last Seen At", "last_seen_at", long=True),
)


_NAMED = "ID, host/PCI-address or serial number"


class _Device(verbs.Noun):
    noun = "device"
    named = f"GPU ({_NAMED})"

    def record(self, device: device_sdk.Device, /) -> columns.Record:
        return columns.record(
            device,
            FIELDS,
            {
                "schedulable": lambda x: x.is_schedulable,
                "use": lambda x: columns.Human(x.use, use_text(x.use)),
                "fences": lambda x: columns.Human(
                    x.fences or [], "\n".join(map(fence_text, x.fences or ()))
                ),
                "health_reasons": lambda x: columns.Human(
                    x.health_reasons or [],
                    "\n".join(
                        f"{one.get('rule')}: {one.get('detail')}"
                        for one in x.health_reasons or ()
                    ),
                ),
            },
        )


class ListDevice(verbs.List):
    _description = "List GPUs (operators only)"
    examples = """
        Examples::

          openstack gpu device list --host gpu-1
          openstack gpu device list --fence any
          openstack gpu device list --availability sick,vanished
          openstack gpu device list --health BAD,SUSPECT --long
    """
    shown = COLUMNS

    def add_filters(self, parser: argparse.ArgumentParser) -> None:
        for option, metavar, text in (
            ("--host", "<host>", "Only on this host"),
            ("--pool", "<pool>", "Only in this pool"),
            ("--model", "<model>", "Only of this model (name)"),
            ("--health", "<health>", "Only OK, SUSPECT, BAD or UNKNOWN"),
            ("--state", "<state>", "Only present or vanished"),
            (
                "--fence",
                "<reason>",
                "Only with this fence (operator, drain, unadmitted, health, "
                "lease, external), or any",
            ),
            ("--lease", "<id>", "Only those of this lease (ID)"),
            ("--serial", "<serial>", "Only with this serial number"),
            (
                "--availability",
                "<availability>",
                "Only free, leased, used_outside, fenced, sick, vanished or "
                "unknown",
            ),
        ):
            parser.add_argument(option, metavar=metavar, help=text)

    def things(
        self, parsed_args: argparse.Namespace, **page: Any
    ) -> Iterable[device_sdk.Device]:
        return self.broker.devices(
            host=parsed_args.host,
            pool=parsed_args.pool,
            model=parsed_args.model,
            health=parsed_args.health,
            state=parsed_args.state,
            fence=parsed_args.fence,
            lease_id=parsed_args.lease,
            serial=parsed_args.serial,
            availability=parsed_args.availability,
            **page,
        )


class ShowDevice(_Device, verbs.Show):
    _description = "Show a GPU (operators only)"
    examples = """
        Examples::

          openstack gpu device show gpu-1/0000:07:00.0
    """


class ListDeviceEvent(verbs.List, _Device, verbs.Named):
    _description = "Show the history of a GPU (operators only)"
    shown = event.COLUMNS

    def things(
        self, parsed_args: argparse.Namespace, **page: Any
    ) -> Iterable[event_sdk.DeviceEvent]:
        return self.broker.device_events(self.meant(parsed_args), **page)


class _Fencing(_Device):
    """A command on the fences of devices, or of all of a host."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "devices",
            metavar="<device>",
            nargs="*",
            help=f"GPU(s): {_NAMED}",
        )
        parser.add_argument(
            "--host", metavar="<host>", help="All GPUs of this host instead"
        )
        return parser

    def on_each(
        self,
        parsed_args: argparse.Namespace,
        act: Callable[[device_sdk.Device], Any],
        **query: Any,
    ) -> None:
        """:param query: which of a host's devices are meant by --host."""
        if bool(parsed_args.devices) == bool(parsed_args.host):
            raise exceptions.CommandError("Name GPUs, or a host by --host.")
        keys: list[str] = parsed_args.devices
        if parsed_args.host:
            host = base.found(self.broker.find_host, parsed_args.host)
            found = self.broker.devices(
                host=host.name, state="present", **query
            )
            keys = [device.id for device in found]
        base.each("GPUs", keys, lambda key: act(self.find(key)))


class FenceDevice(_Fencing):
    _description = "Keep GPUs from being given out (operators only)"
    examples = """
        Examples::

          openstack gpu device fence gpu-1/0000:07:00.0 --reason "fan noise"
          openstack gpu device fence --host gpu-1 --reason "moves to row 7"

        A lease that has a GPU keeps it; the GPU is not given out again.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--reason",
            metavar="<text>",
            required=True,
            help="Why, in words for the next operator",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.on_each(
            parsed_args,
            lambda device: self.broker.fence_device(
                device, parsed_args.reason
            ),
        )


class UnfenceDevice(_Fencing):
    _description = "Let GPUs be given out again (operators only)"
    examples = """
        Examples::

          openstack gpu device unfence gpu-1/0000:07:00.0
          openstack gpu device unfence --host gpu-1 --reason unadmitted
          openstack gpu device unfence gpu-1/0000:07:00.0 --reason health \\
              --detail "reseated, passed dcgmi diag -r 3"

        The fences "lease" and "external" are not lifted by hand, and "drain"
        is by openstack gpu host resume. To lift
        "health" puts your judgement over the fault that was seen.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--reason",
            choices=LIFTABLE,
            help="Which fence to lift (default: the only one of these)",
        )
        parser.add_argument(
            "--detail",
            metavar="<text>",
            default="",
            help="Why, in words; they stay in the history of the GPU",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        def lift(device: device_sdk.Device) -> None:
            self.broker.unfence_device(
                device,
                parsed_args.reason or only_liftable(device),
                parsed_args.detail,
            )

        self.on_each(parsed_args, lift, fence=parsed_args.reason or LIFTABLE)


def only_liftable(device: device_sdk.Device) -> str:
    """The one fence of a device that can be lifted by hand.

    :raises CommandError: when there is none, or a choice.
    """
    reasons = [fence.get("reason") for fence in device.fences or ()]
    found = [str(reason) for reason in reasons if reason in LIFTABLE]
    name = f"{device.host}/{device.pci_address}"
    if not found:
        has = f"only {', '.join(map(str, reasons))}" if reasons else "none"
        raise exceptions.CommandError(
            f"{name} has no fence to lift by hand ({has})."
        )
    if len(found) > 1:
        raise exceptions.CommandError(
            f"{name} has several fences; say which with --reason: "
            f"{', '.join(found)}."
        )
    return found[0]
