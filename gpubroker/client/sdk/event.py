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

"""An event is one line of the history of a lease or of a device."""

from __future__ import annotations

from typing import Any

from openstack import resource

from gpubroker.client.sdk import base


class Event(base.Resource):
    resources_key = "events"
    allow_list = True

    _query_mapping = resource.QueryParameters("kind", "sort_key", "sort_dir")

    #: When it happened.
    at: str = resource.Body("at")
    #: Dotted, such as ``lease.active`` or ``device.fenced``.
    kind: str = resource.Body("kind")
    #: A sentence for people.
    message: str = resource.Body("message")
    #: The request that it goes back to; empty where there is none.
    request_id: str = resource.Body("request_id")
    #: Who did it: a user id, or ``operator`` for one of another project;
    #: ``None`` = the broker by itself.
    by: str | None = resource.Body("by")
    #: Facts for operators; others do not get it.
    detail: dict[str, Any] | None = resource.Body("detail")


class LeaseEvent(Event):
    base_path = "/leases/%(lease_id)s/events"
    lease_id: str = resource.URI("lease_id")


class DeviceEvent(Event):
    base_path = "/devices/%(device_id)s/events"
    device_id: str = resource.URI("device_id")
