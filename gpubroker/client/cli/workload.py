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

"""From what a person wrote to what a lease shall run.

Names of images, networks and ports become ids here, under the person's own
rights, so that a wrong name is refused at once and not in the queue.
"""

from __future__ import annotations

import argparse
import base64
import pathlib
from collections.abc import Callable
from typing import Any

from openstack import connection
from openstack import exceptions as sdk_exceptions
from osc_lib import exceptions

#: Of the file, before base64; Nova's own limit is on the encoded text.
USER_DATA_LIMIT = 65535

_FIXED_IP = ",fixed-ip="


def build(
    conn: connection.Connection, parsed_args: argparse.Namespace
) -> dict[str, Any]:
    """The ``workload`` of an order.

    :raises CommandError: for a name that is not there or not unique, or a
        file that can not be used.
    """
    workload: dict[str, Any] = {
        "type": "server",
        "image": image_id(conn, parsed_args.image),
        "networks": networks(conn, parsed_args.nics),
        "key_name": parsed_args.key_name,
        "security_groups": parsed_args.security_groups,
        "availability_zone": parsed_args.availability_zone,
        "boot_volume_gib": parsed_args.boot_volume_size,
        "metadata": parsed_args.properties,
    }
    if parsed_args.user_data:
        workload["user_data"] = user_data(parsed_args.user_data)
    return {key: value for key, value in workload.items() if value}


def image_id(conn: connection.Connection, name: str) -> str:
    return _find(
        "image",
        name,
        lambda: conn.image.find_image(name, ignore_missing=False),
    )


def networks(
    conn: connection.Connection, nics: list[tuple[str, str]] | None
) -> str | list[dict[str, str]] | None:
    """The networks of the servers, in the order given.

    :param nics: pairs of option (``network`` or ``port``) and its value.
    """
    if not nics:
        return None
    words = {value for kind, value in nics if kind == "network"}
    special = words & {"auto", "none"}
    if special:
        if len(nics) > 1:
            raise exceptions.CommandError(
                f"--network {special.pop()} stands alone."
            )
        return special.pop()
    return [_nic(conn, kind, value) for kind, value in nics]


def _nic(conn: connection.Connection, kind: str, value: str) -> dict[str, str]:
    if kind == "port":
        return {"port": _port_id(conn, value)}
    name, found, address = value.partition(_FIXED_IP)
    nic = {"network": _network_id(conn, name)}
    if found:
        nic["fixed_ip"] = address
    return nic


def _network_id(conn: connection.Connection, name: str) -> str:
    return _find(
        "network",
        name,
        lambda: conn.network.find_network(name, ignore_missing=False),
    )


def _port_id(conn: connection.Connection, name: str) -> str:
    return _find(
        "port",
        name,
        lambda: conn.network.find_port(name, ignore_missing=False),
    )


def _find(noun: str, name: str, look_up: Callable[[], Any]) -> str:
    try:
        return str(look_up().id)
    except sdk_exceptions.DuplicateResource:
        raise exceptions.CommandError(
            f"More than one {noun} is named {name!r}; use the id "
            f"(openstack {noun} list shows them)."
        ) from None
    except sdk_exceptions.NotFoundException:
        raise exceptions.CommandError(
            f"There is no {noun} {name!r} that this project can use "
            f"(openstack {noun} list shows those it can)."
        ) from None


def user_data(path: str) -> str:
    """A file's content in base64.

    :raises CommandError: when it can not be read or is too large.
    """
    try:
        content = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise exceptions.CommandError(
            f"User data can not be read from {path}: {error.strerror}."
        ) from error
    text = base64.b64encode(content).decode("ascii")
    if len(text) > USER_DATA_LIMIT:
        raise exceptions.CommandError(
            f"User data of {len(content)} bytes is too large: in base64 it "
            f"may have {USER_DATA_LIMIT}."
        )
    return text
