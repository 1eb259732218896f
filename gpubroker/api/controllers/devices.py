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


"""``/v1/devices``: the cards, their fences and their history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from gpubroker import errors
from gpubroker.api import routing
from gpubroker.api.call import Call
from gpubroker.api.operation import operation
from gpubroker.api.schemas import devices as schemas
from gpubroker.api.schemas import events as event_schemas
from gpubroker.api.views import devices as view
from gpubroker.api.views import events as event_view
from gpubroker.domain import devices
from gpubroker.domain import fences
from gpubroker.services import fence as fencing


class Fences(routing.Collection):
    """``PUT`` and ``DELETE`` of one reason; others may hold it, too."""

    key: ClassVar[str] = "reason"

    @operation("device:show", answer=schemas.FENCES, statuses=(404,))
    def list_all(self, call: Call) -> dict[str, Any]:
        """List the fences of a device."""
        return {
            "fences": [view.fence(found) for found in _device(call).fences]
        }

    @operation("device:show", answer=schemas.FENCE, statuses=(404,))
    def show(self, call: Call) -> dict[str, Any]:
        """Show a fence of a device."""
        return view.fence(_fence(_device(call), _reason(call)))

    @operation(
        "device:fence",
        body=schemas.SET_FENCE,
        answer=schemas.FENCE,
        statuses=(404, 409),
    )
    def replace(self, call: Call) -> dict[str, Any]:
        """Fence a device; only the reason operator can be set by hand."""
        device = fencing.fence(
            call.ports,
            call.args["device_id"],
            _reason(call),
            call.body.get("detail", ""),
            call.ctx.user_id or "",
            call.ctx.request_id or "",
        )
        return view.fence(_fence(device, _reason(call)))

    @operation(
        "device:unfence",
        status=204,
        query=schemas.LIFT_FENCE,
        statuses=(404, 409),
    )
    def delete(self, call: Call) -> None:
        """Lift a fence that a person may lift.

        Lifting ``health`` records the operator's judgement. ``lease`` and
        ``external`` go away by themselves.
        """
        fencing.unfence(
            call.ports,
            call.args["device_id"],
            _reason(call),
            call.ctx.user_id or "",
            call.ctx.request_id or "",
            call.query.get("detail", ""),
        )


class Events(routing.Collection):
    key: ClassVar[str] = ""

    @operation(
        "device:event:list",
        query=event_schemas.QUERY,
        answer=event_schemas.LIST,
        statuses=(404,),
    )
    def list_all(self, call: Call) -> dict[str, Any]:
        """List the history of a device, on whatever host it was."""
        with call.ports.store.read() as tx:
            device = tx.devices.get(call.args["device_id"])
            found = tx.events.page(call.page(device_id=device.id))
        return event_view.listing(call, found, detail=True)


class Devices(routing.Collection):
    key: ClassVar[str] = "device_id"
    members: ClassVar[Mapping[str, routing.Node]] = {
        "fences": Fences(),
        "events": Events(),
    }

    @operation("device:list", query=schemas.QUERY, answer=schemas.LIST)
    def list_all(self, call: Call) -> dict[str, Any]:
        """List devices."""
        addresses = call.query.get("pci_address")
        fixed = {}
        if addresses is not None:
            fixed["pci_address"] = tuple(map(devices.address, addresses))
        with call.ports.store.read() as tx:
            found = tx.devices.page(call.page(**fixed))
            held = view.holders(tx, found.items)
        items = [view.show(call, device, held) for device in found.items]
        return call.listing("devices", items, found, "id")

    @operation("device:show", answer=schemas.DEVICE, statuses=(404,))
    def show(self, call: Call) -> dict[str, Any]:
        """Show a device."""
        with call.ports.store.read() as tx:
            device = tx.devices.get(call.args["device_id"])
            held = view.holders(tx, [device])
        return view.show(call, device, held)


def _device(call: Call) -> devices.Device:
    with call.ports.store.read() as tx:
        return tx.devices.get(call.args["device_id"])


def _reason(call: Call) -> fences.Reason:
    """:raises NotFound: for a word that is no reason."""
    try:
        return fences.Reason(call.args["reason"])
    except ValueError:
        raise errors.NotFound("There is no such reason.") from None


def _fence(device: devices.Device, reason: fences.Reason) -> fences.Fence:
    for found in device.fences:
        if found.reason is reason:
            return found
    raise errors.NotFound(f"The device has no fence {reason}.")
