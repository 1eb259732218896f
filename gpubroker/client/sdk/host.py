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

"""A host is a hypervisor that carries GPUs."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from openstack import resource

from gpubroker.client import errors
from gpubroker.client.sdk import base

#: Times that a change is repeated when others write the host.
_TRIALS = 5


class Host(base.Mutable):
    resources_key = "hosts"
    base_path = "/hosts"

    allow_create = True
    allow_fetch = True
    allow_commit = True
    allow_delete = True
    allow_list = True

    _query_mapping = resource.QueryParameters(
        "name",
        "pool",
        "mode",
        "compute_state",
        "device_availability",
        "sort_key",
        "sort_dir",
    )

    #: Nova's name of the compute service; the key.
    name: str = resource.Body("name", alternate_id=True)
    #: Placement's name of the compute node, where it differs.
    hypervisor_hostname: str = resource.Body("hypervisor_hostname")
    pool: str = resource.Body("pool")
    #: ``observe`` (count, write nothing) or ``manage``.
    mode: str = resource.Body("mode")
    #: What Nova says of its compute service.
    compute_state: str = resource.Body("compute_state")
    compute_reason: str | None = resource.Body("compute_reason")
    #: Its root provider in Placement.
    provider_id: str | None = resource.Body("provider_id")
    #: user_id, version, heartbeat_at, boot_id and state (reporting, silent
    #: or never) of its agent.
    agent: dict[str, Any] | None = resource.Body("agent", type=dict)
    #: Gets no new leases before then, since starts of several projects
    #: failed there; how the last one did.
    suspect_until: str | None = resource.Body("suspect_until")
    suspect_reason: str | None = resource.Body("suspect_reason")
    #: at, detail and by, while it is drained.
    drain: dict[str, str] | None = resource.Body("drain", type=dict)
    #: What its agent can not see: dicts of kind and detail.
    conditions: list[dict[str, str]] = resource.Body("conditions", type=list)
    #: CPU, memory and disk as Placement counts them.
    capacities: list[dict[str, Any]] = resource.Body("capacities", type=list)
    #: Counts: total, schedulable, fenced, in_use, vanished.
    devices: dict[str, int] = resource.Body("devices", type=dict)


class HostConfig(base.Resource):
    """What this host's configuration files need for its GPUs."""

    base_path = "/hosts/%(host)s/config"
    allow_fetch = True
    requires_id = False

    host: str = resource.URI("host")
    #: Lines for nova.conf.
    nova_conf: str = resource.Body("nova_conf")
    #: A file for Nova's provider_config_location.
    provider_yaml: str = resource.Body("provider_yaml")
    #: PCI address -> the slot's number.
    slots: dict[str, int] = resource.Body("slots", type=dict)


class Calls(base.Proxy):
    def hosts(self, **query: Any) -> Generator[Host, None, None]:
        """List hosts.

        :param query: name, pool, mode, compute_state, device_availability
            (those that have such a device).
        """
        return self._list(Host, **query)

    def get_host(self, host: str | Host) -> Host:
        return self._get(Host, host)

    def find_host(self, name: str, ignore_missing: bool = True) -> Host | None:
        return self._lookup(Host, name, ignore_missing)

    def create_host(self, **attrs: Any) -> Host:
        return self._create(Host, **attrs)

    def update_host(self, host: str | Host, **attrs: Any) -> Host:
        """Change ``pool`` or ``mode``."""
        return self._update(Host, host, **attrs)

    def delete_host(
        self, host: str | Host, ignore_missing: bool = True
    ) -> Host | None:
        """Delete; a conflict while it has devices present or claims."""
        return self._delete(Host, host, ignore_missing=ignore_missing)

    def ensure_host(self, name: str, **attrs: Any) -> Host:
        """Make a host known, or change the one that is.

        Who writes the host meanwhile, as the service does that discovers
        it, keeps nothing from being changed.

        :param attrs: pool and mode; what is not given stays as it is.
        """
        for _trial in range(_TRIALS):
            found = self.find_host(name)
            if found and not attrs:
                return found
            try:
                if found is None:
                    return self.create_host(name=name, **attrs)
                return self.update_host(found, **attrs)
            except (errors.Conflict, errors.Precondition) as error:
                refused = error
        raise refused

    def enroll_host(self, name: str, user_id: str, **attrs: Any) -> Host:
        """Make a host known and bind its agent's Keystone user to it.

        Doing it again is harmless.
        """
        return self.bind_host_agent(self.ensure_host(name, **attrs), user_id)

    def bind_host_agent(self, host: str | Host, user_id: str) -> Host:
        """Let this Keystone user, and no other, report for the host."""
        found = self._get_resource(Host, host)
        response = self.put(
            base.path(Host.base_path, found.id, "agent"),
            json={"user_id": user_id},
            microversion=base.microversion(self),
        )
        found._translate_response(response)
        return found

    def unbind_host_agent(self, host: str | Host) -> None:
        """Let nobody report for the host."""
        found = self._get_resource(Host, host)
        self.delete(
            base.path(Host.base_path, found.id, "agent"),
            microversion=base.microversion(self),
        )

    def drain_host(self, host: str | Host, detail: str = "") -> Host:
        """Give out no GPU of the host again; leases run to their end.

        Doing it again changes nothing.

        :param detail: why, in words for the next operator.
        """
        found = self._get_resource(Host, host)
        response = self.put(
            base.path(Host.base_path, found.id, "drain"),
            json={"detail": detail},
            microversion=base.microversion(self),
        )
        found._translate_response(response)
        return found

    def resume_host(self, host: str | Host) -> None:
        """Give out the GPUs of the host again."""
        found = self._get_resource(Host, host)
        self.delete(
            base.path(Host.base_path, found.id, "drain"),
            microversion=base.microversion(self),
        )

    def report_host(
        self, host: str | Host, report: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Send what the host's agent sees.

        :returns: changed, interval (seconds), claimed (PCI addresses that
            are to be left alone) and orders.
        """
        found = self._get_resource(Host, host)
        response = self.put(
            base.path(Host.base_path, found.id, "report"),
            json=report,
            microversion=base.microversion(self),
        )
        answer: dict[str, Any] = response.json()
        return answer

    def host_config(self, host: str | Host) -> HostConfig:
        """Render what the host's configuration files need."""
        return self._get(
            HostConfig, None, requires_id=False, host=Host._get_id(host)
        )
