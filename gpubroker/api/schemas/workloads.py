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


"""What a lease makes on its cards."""

from __future__ import annotations

from typing import Any

from gpubroker.api.schemas import types

_ADDRESS: types.Schema = {
    "type": "string",
    "minLength": 2,
    "maxLength": 45,
    "format": "ip",
}

#: Like Nova: by network, or by a port that exists.
_NIC = types.closed(
    {"network": types.UUID, "port": types.UUID, "fixed_ip": _ADDRESS}
)
_NIC["oneOf"] = [{"required": ["network"]}, {"required": ["port"]}]
_NIC["dependentRequired"] = {"fixed_ip": ["network"]}

_NETWORKS: types.Schema = {
    "anyOf": [types.one_of("auto", "none"), types.many(_NIC, 32, 1)]
}

#: Nova reads ``zone:host:node`` as an order to go to that host.
_ZONE: types.Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": "^[^\\u0000-\\u001f\\u007f:]+$",
}

#: Nova's own rule for the keys of a server's metadata.
_METADATA_KEY: types.Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": "^[a-zA-Z0-9_:. -]+$",
}

_FIELDS: dict[str, types.Schema] = {
    "type": types.one_of("server"),
    "image": types.UUID,
    "networks": _NETWORKS,
    "key_name": types.NOVA_NAME,
    "security_groups": types.distinct(types.NOVA_NAME, 64),
    "availability_zone": _ZONE,
    "boot_volume_gib": types.integer(1, 65536),
    "metadata": types.map_of(_METADATA_KEY, types.text(255), 128),
}

#: base64, bounded as Nova bounds it.
_USER_DATA: types.Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 65535,
    "format": "byte",
}

ORDER = types.closed({**_FIELDS, "user_data": _USER_DATA}, ("type", "image"))


def _seen() -> types.Schema:
    properties: dict[str, Any] = {
        name: types.nullable(schema) for name, schema in _FIELDS.items()
    }
    properties["login_user"] = types.text(32)
    properties["has_user_data"] = {"type": "boolean"}
    return types.closed(properties, ("type", "has_user_data"))


#: As ordered, and whom the image lets log in, where it tells. User data,
#: which may hold secrets, never comes back.
SEEN = _seen()
