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

"""The gpu-broker service for openstacksdk.

::

    import openstack
    from gpubroker.client import sdk

    broker = sdk.add_to(openstack.connect(cloud="mycloud"))
    for lease in broker.leases(state="active"):
        print(lease.name, lease.expires_at)

After :func:`add_to` the connection also has it as ``conn.gpu_broker``. In a
``clouds.yaml``, ``vendor_hook: "gpubroker.client.sdk:add_to"`` does the same
for every connection to that cloud.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

import openstack
from openstack import connection
from openstack import service_description

from gpubroker.client.sdk import device
from gpubroker.client.sdk import flavor
from gpubroker.client.sdk import host
from gpubroker.client.sdk import lease
from gpubroker.client.sdk import model
from gpubroker.client.sdk import offer
from gpubroker.client.sdk import pool
from gpubroker.client.sdk import trait

__all__ = ["SERVICE_TYPE", "Proxy", "Service", "add_to", "connect"]

SERVICE_TYPE = "gpu-broker"


class Proxy(
    device.Calls,
    flavor.Calls,
    host.Calls,
    lease.Calls,
    model.Calls,
    offer.Calls,
    pool.Calls,
    trait.Calls,
):
    """Every call of the API, version 1."""

    api_version: ClassVar[str] = "1"


if TYPE_CHECKING:
    _Description = service_description.ServiceDescription[Proxy]
else:
    # Generic only in newer releases of the SDK.
    _Description = service_description.ServiceDescription


class Service(_Description):
    """How a connection finds the service in the catalogue."""

    supported_versions = {"1": Proxy}  # noqa: RUF012 the base class's way


def add_to(conn: connection.Connection) -> Proxy:
    """Give a connection the attribute ``gpu_broker``, and return that.

    The SDK keeps services on the class of the connection, so that every
    other connection of the process has the attribute from then on, too.
    """
    conn.add_service(Service(SERVICE_TYPE))
    return cast(Proxy, conn.gpu_broker)  # type: ignore[attr-defined]


def connect(cloud: str | None = None) -> Proxy:
    """Connect to a cloud of ``clouds.yaml`` or of the environment.

    :param cloud: its name; without one as ``openstack.connect`` has it.
    """
    return add_to(openstack.connect(cloud=cloud))
