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

"""How a lease is shown to a person."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gpubroker.client.cli import columns
from gpubroker.client.cli import durations
from gpubroker.client.cli import progress

if TYPE_CHECKING:
    from gpubroker.client.sdk import lease as lease_sdk

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
        f"{server.get('node')}: {server.get('name')}",
        str(server.get("status") or ""),
        ", ".join(server.get("addresses") or ()),
    ]
    if server.get("key_name"):
        words.append(f"key {server['key_name']}")
    if server.get("host"):
        words.append(f"on {server['host']}")
    lines = ["  ".join(filter(None, words))]
    lines.extend(
        f"   {device.get('pci_address')}  slot {device.get('slot')}  "
        f"serial {device.get('serial') or 'not readable'}"
        for device in server.get("devices") or ()
    )
    if server.get("fault"):
        lines.append(f"   fault: {server['fault']}")
    return "\n".join(lines)


def _servers(lease: lease_sdk.Lease) -> columns.Human:
    found = lease.servers or []
    # One that was never made is no news; one that failed is.
    told = [one for one in found if one.get("id") or one.get("fault")]
    return columns.Human(found, "\n".join(map(server_text, told)))


def value_text(value: Any) -> str:
    """A value of the workload; nested ones as ``key=value`` with commas."""
    if isinstance(value, dict):
        return " ".join(f"{k}={value_text(v)}" for k, v in value.items())
    if isinstance(value, list):
        return ", ".join(map(value_text, value))
    return str(value)


def _workload(lease: lease_sdk.Lease) -> columns.Human:
    found = lease.workload or {}
    return columns.Human(
        found, "\n".join(f"{k}: {value_text(v)}" for k, v in found.items())
    )


def _expiry(lease: lease_sdk.Lease) -> columns.Human:
    words = ""
    if lease.expires_at:
        words = durations.format_time(lease.expires_at)
        if not lease.is_final:
            words += f" ({durations.format_until(lease.expires_at, now())})"
    return columns.Human(lease.expires_at, words)


def _time(field: str) -> Callable[[lease_sdk.Lease], columns.Human]:
    def cell(lease: lease_sdk.Lease) -> columns.Human:
        value = getattr(lease, field)
        return columns.Human(value, durations.format_time(value))

    return cell


def _steps(lease: lease_sdk.Lease) -> columns.Human:
    found = lease.progress or []
    texts = [progress.step_text(step, lease.nodes or 1) for step in found]
    return columns.Human(found, "\n".join(text.strip() for text in texts))


def record(
    lease: lease_sdk.Lease,
) -> columns.Record:
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
            "servers": _servers,
            "workload": _workload,
            "expires_at": _expiry,
            "duration": lambda x: columns.Human(
                x.duration, durations.format_duration(x.duration)
            ),
            "requested_at": _time("requested_at"),
            "started_at": _time("started_at"),
            "ended_at": _time("ended_at"),
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
    columns.Column("Requested At", _time("requested_at"), long=True),
    columns.Column("Started At", _time("started_at"), long=True),
    columns.Column("Ended At", _time("ended_at"), long=True),
    columns.Column("End Cause", "end_cause", long=True),
)
