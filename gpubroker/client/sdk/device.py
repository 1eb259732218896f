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

"""A device is one physical GPU; a fence is why it is not given out."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

from openstack import exceptions
from openstack import resource

from gpubroker.client.sdk import base
from gpubroker.client.sdk import event

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)

_SHORT_ADDRESS = re.compile(r"[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", re.I)


class Device(base.Mutable):
    resources_key = "devices"
    base_path = "/devices"

    allow_fetch = True
    allow_list = True

    _query_mapping = resource.QueryParameters(
        "host",
        "pool",
        "model",
        "health",
        "state",
        "fence",
        "lease_id",
        "serial",
        "uuid",
        "pci_address",
        "schedulable",
        "availability",
        "sort_key",
        "sort_dir",
    )

    host: str = resource.Body("host")
    pci_address: str = resource.Body("pci_address")
    #: Number of (host, PCI address), given once.
    slot: int | None = resource.Body("slot", type=int)
    #: Name of the model; ``None`` when the catalogue has none for it.
    model: str | None = resource.Body("model")
    vendor_id: str = resource.Body("vendor_id")
    product_id: str = resource.Body("product_id")
    subsystem_id: str | None = resource.Body("subsystem_id")
    #: ``None`` where it can not be read.
    serial: str | None = resource.Body("serial")
    uuid: str | None = resource.Body("uuid")
    numa_node: int | None = resource.Body("numa_node", type=int)
    #: The driver that it is bound to on the host.
    driver: str | None = resource.Body("driver")
    #: ``present`` or ``vanished``.
    state: str = resource.Body("state")
    #: OK, SUSPECT, BAD or UNKNOWN.
    health: str = resource.Body("health")
    #: dicts of rule and detail.
    health_reasons: list[dict[str, str]] = resource.Body(
        "health_reasons", type=list
    )
    #: dicts of reason, detail, by, created_at and lease_id.
    fences: list[dict[str, Any]] = resource.Body("fences", type=list)
    #: Whether nothing about the card itself keeps it from being given out
    #: now; mode and state of its host do not count.
    is_schedulable: bool = resource.Body("schedulable", type=bool)
    #: In one word: free, leased, used_outside, fenced, sick, vanished or
    #: unknown.
    availability: str = resource.Body("availability")
    #: kind (free, lease, claimed or external), lease_id, consumers.
    use: dict[str, Any] = resource.Body("use", type=dict)
    #: The Placement provider that it is mirrored on.
    provider: dict[str, Any] | None = resource.Body("provider", type=dict)
    traits: list[str] = resource.Body("traits", type=list)
    first_seen_at: str | None = resource.Body("first_seen_at")
    last_seen_at: str | None = resource.Body("last_seen_at")


class Fence(base.Resource):
    resources_key = "fences"
    base_path = "/devices/%(device_id)s/fences"

    allow_list = True
    allow_delete = True

    device_id: str = resource.URI("device_id")
    #: operator, unadmitted, health, lease, drain or external; the key.
    reason: str = resource.Body("reason", alternate_id=True)
    detail: str = resource.Body("detail")
    #: Who set it: a user id or a part of the service.
    by: str = resource.Body("by")
    created_at: str | None = resource.Body("created_at")
    lease_id: str | None = resource.Body("lease_id")


class Calls(base.Proxy):
    def devices(self, **query: Any) -> Generator[Device, None, None]:
        """List devices.

        :param query: host, pool, model, health, state, fence (a reason, or
            ``any``), lease_id, serial, uuid, pci_address, schedulable,
            availability.
        """
        return self._list(Device, **query)

    def get_device(self, device: str | Device) -> Device:
        return self._get(Device, device)

    def find_device(
        self, text: str, ignore_missing: bool = True
    ) -> Device | None:
        """Find a device by what people have at hand.

        :param text: its id, ``<host>/<PCI address>`` (the address also
            without its domain 0000), its serial number, or the UUID that
            its driver gives it.
        :raises openstack.exceptions.DuplicateResource: when several have it;
            a serial number is only as unique as its vendor made it.
        :raises openstack.exceptions.NotFoundException: when there is none
            and it was not to be ignored.
        """
        if _UUID.fullmatch(text):
            return self._lookup(Device, text.lower(), ignore_missing)
        found = self.search_devices(text)
        if len(found) > 1:
            ids = ", ".join(one.id for one in found)
            raise exceptions.DuplicateResource(
                f"More than one device is {text!r}; use one of the ids: {ids}."
            )
        if found:
            return found[0]
        if ignore_missing:
            return None
        raise exceptions.NotFoundException(
            f"There is no device {text!r}; name it by id, by "
            f"host/PCI-address or by serial number."
        )

    def search_devices(self, text: str) -> list[Device]:
        """All devices that :meth:`find_device` has to choose from."""
        if _UUID.fullmatch(text):
            found = self._lookup(Device, text.lower(), ignore_missing=True)
            return [found] if found else []
        for query in _searches(text):
            known = list(self.devices(**query))
            # A card that moved leaves its former place behind as vanished.
            present = [one for one in known if one.state == "present"]
            if known:
                return present or known
        return []

    def device_fences(
        self, device: str | Device
    ) -> Generator[Fence, None, None]:
        return self._list(Fence, device_id=Device._get_id(device))

    def fence_device(self, device: str | Device, detail: str) -> Device:
        """Keep a device back for the operator's reason.

        Doing it again changes nothing.

        :param detail: why, in words for the next operator.
        :returns: the device as it is now.
        """
        found = self._get_resource(Device, device)
        self.put(
            base.path(Device.base_path, found.id, "fences", "operator"),
            json={"detail": detail},
            microversion=base.microversion(self),
        )
        return self.get_device(found.id)

    def unfence_device(
        self, device: str | Device, reason: str = "operator", detail: str = ""
    ) -> Device:
        """Lift a fence.

        :param reason: operator, unadmitted or health; the others are not
            lifted by hand.
        :param detail: why, in words; they stay in the device's history.
        :returns: the device as it is now.
        """
        found = self._get_resource(Device, device)
        self.delete(
            base.path(Device.base_path, found.id, "fences", reason),
            params={"detail": detail} if detail else {},
            microversion=base.microversion(self),
        )
        return self.get_device(found.id)

    def device_events(
        self, device: str | Device, **query: Any
    ) -> Generator[event.DeviceEvent, None, None]:
        """The history of a device, the oldest first."""
        return self._list(
            event.DeviceEvent, device_id=Device._get_id(device), **query
        )


def _searches(text: str) -> list[dict[str, Any]]:
    if not text or "," in text:
        # In a filter a comma would mean any of several.
        return []
    host, slash, address = text.rpartition("/")
    if slash:
        if _SHORT_ADDRESS.fullmatch(address):
            address = f"0000:{address}"
        return [{"host": host, "pci_address": address.lower()}]
    return [{"serial": text}, {"uuid": text}]
