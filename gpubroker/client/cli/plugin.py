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

"""How python-openstackclient finds the commands.

It imports this module on every start, whatever the command: nothing heavy
is imported here before it is needed.
"""

from __future__ import annotations

import argparse
from typing import Any

from osc_lib import exceptions
from osc_lib import utils

API_NAME = "gpubroker"
API_VERSION_OPTION = "os_gpubroker_api_version"
API_VERSIONS = ("1", "1.0")
DEFAULT_API_VERSION = "1"


def make_client(instance: Any) -> Any:
    """Return the SDK's proxy for the gpu-broker service.

    :raises CommandError: when the cloud has no such service, or it does not
        answer.
    """
    from openstack import exceptions as sdk_exceptions

    from gpubroker.client import sdk

    conn = instance.sdk_connection
    version = instance._api_version.get(API_NAME, DEFAULT_API_VERSION)
    if "." in version:
        # Without this the newest that both sides know is agreed upon.
        conn.config.config["gpu_broker_default_microversion"] = version
    try:
        broker = sdk.add_to(conn)
    except sdk_exceptions.NotSupported as error:
        # The SDK looks for versions, and takes silence for "none".
        raise exceptions.CommandError(
            f"The {sdk.SERVICE_TYPE} service at "
            f"{conn.endpoint_for(sdk.SERVICE_TYPE)} does not answer, or "
            f"something else answers there."
        ) from error
    if not isinstance(broker, sdk.Proxy):
        raise exceptions.CommandError(
            f"This cloud has no {sdk.SERVICE_TYPE} service in its catalogue "
            f"(region {instance.region_name or 'any'}, interface "
            f"{instance.interface or 'public'})."
        )
    return broker


def build_option_parser(
    parser: argparse.ArgumentParser,
) -> argparse.ArgumentParser:
    """Add the global options of the service."""
    parser.add_argument(
        "--os-gpubroker-api-version",
        metavar="<gpubroker-api-version>",
        default=utils.env("OS_GPUBROKER_API_VERSION"),
        help=(
            f"GPU broker API version, default={DEFAULT_API_VERSION} "
            f"(Env: OS_GPUBROKER_API_VERSION)"
        ),
    )
    return parser
