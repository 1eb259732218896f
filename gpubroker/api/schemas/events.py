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


"""Answers and queries of histories."""

from __future__ import annotations

from gpubroker.api.schemas import types

#: ``detail`` is there for operators only.
_EVENT = types.closed(
    {
        "id": {"type": "integer", "minimum": 0},
        "at": types.TIME,
        "kind": types.text(255),
        "message": types.text(65536),
        "request_id": types.text(255),
        "by": types.nullable(types.text(255)),
        "detail": {"type": "object", "additionalProperties": True},
    },
    ("id", "at", "kind", "message", "request_id", "by"),
)

LIST = types.listing("events", _EVENT)

QUERY = types.page_query(
    ("id", "at"),
    {
        "kind": types.any_of(
            {
                "type": "string",
                "minLength": 1,
                "maxLength": 64,
                "pattern": "^[a-z][a-z0-9_.]*$",
            }
        )
    },
)
