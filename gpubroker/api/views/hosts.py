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


"""A host as the API shows it; operators only."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from gpubroker.api.call import Call
from gpubroker.api.views import devices as device_view
from gpubroker.api.views import times
from gpubroker.domain import devices
from gpubroker.domain import failures
from gpubroker.domain import hosts
from gpubroker.domain import mirror


def show(
    call: Call,
    host: hosts.Host,
    cards: Collection[devices.Device],
    failed: Collection[failures.Failure],
) -> dict[str, Any]:
    """:param cards: all devices of the host.
    :param failed: starts that failed there lately.
    """
    last = failures.suspect(failed, call.ports.clock.now())
    return {
        "name": host.name,
        "hypervisor_hostname": host.hypervisor_hostname,
        "pool": host.pool,
        "mode": host.mode,
        "compute_state": host.compute_state,
        "compute_reason": host.compute_reason,
        "provider_id": host.provider_id,
        "agent": _agent(call, host),
        "suspect_until": times.iso(last.until if last else None),
        "suspect_reason": last.message if last else "",
        "drain": _drain(host.drain),
        "conditions": [
            {"kind": condition.kind, "detail": condition.detail}
            for condition in host.conditions
        ],
        "capacities": [_capacity(found) for found in host.capacities],
        "devices": counts(cards),
        "generation": host.generation,
        **times.stamps(host),
        "links": call.link("hosts", host.name),
    }


def _agent(call: Call, host: hosts.Host) -> dict[str, Any]:
    state = "never"
    if host.heartbeat_at is not None:
        timeout = call.ports.settings.heartbeat_timeout
        late = host.silent(call.ports.clock.now(), timeout)
        state = "silent" if late else "reporting"
    return {
        "user_id": host.agent_user_id,
        "version": host.agent_version,
        "heartbeat_at": times.iso(host.heartbeat_at),
        "boot_id": host.boot_id,
        "state": state,
    }


def _drain(drain: hosts.Drain | None) -> dict[str, Any] | None:
    if drain is None:
        return None
    return {
        "at": times.iso(drain.at),
        "detail": drain.detail,
        "by": drain.by,
    }


def _capacity(capacity: hosts.Capacity) -> dict[str, Any]:
    return {
        "resource_class": capacity.resource_class,
        "total": capacity.total,
        "reserved": capacity.reserved,
        "allocation_ratio": capacity.allocation_ratio,
        "used": capacity.used,
        "free": capacity.free,
    }


def counts(cards: Collection[devices.Device]) -> dict[str, int]:
    """Of GPUs: an agent reports other chips as well."""
    cards = list(filter(mirror.is_gpu, cards))
    here = [d for d in cards if d.state is devices.State.PRESENT]
    return {
        "total": len(here),
        "schedulable": sum(card.schedulable for card in here),
        "fenced": sum(1 for card in here if card.fences),
        "in_use": sum(map(device_view.in_use, here)),
        "vanished": len(cards) - len(here),
    }
