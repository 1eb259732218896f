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


"""Answers of the version documents."""

from __future__ import annotations

from gpubroker.api.schemas import types

_NUMBER: types.Schema = {
    "type": "string",
    "maxLength": 16,
    "pattern": "^[0-9]+\\.[0-9]+$",
}

_VERSION = types.whole(
    {
        "id": types.one_of("v1"),
        "status": types.one_of("CURRENT"),
        "min_version": _NUMBER,
        "max_version": _NUMBER,
        "version": _NUMBER,
        "links": types.LINKS,
    }
)

VERSION = types.whole({"version": _VERSION})

VERSIONS = types.whole({"versions": types.many(_VERSION, 1)})

#: The document has a schema of its own, which is OpenAPI's.
DESCRIPTION: types.Schema = {
    "type": "object",
    "required": ["openapi", "info", "paths"],
    "properties": {"openapi": types.one_of("3.1.0")},
}
