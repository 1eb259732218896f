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

"""What can be done next with what was made or shown: OpenAPI's links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: Path parameter -> the field of the thing that goes there.
_KEYS = {"lease_id": "id", "flavor": "id", "device_id": "id"}
_METHODS = ("get", "put", "post", "patch", "delete")


def add(paths: Mapping[str, Any]) -> None:
    """Name, at each operation that makes a thing, those on the thing."""
    for path, item in paths.items():
        made = item.get("post", {}).get("responses", {})
        answers = [made[status] for status in ("201", "202") if status in made]
        links = dict(_of(paths, f"{path}/{{"))
        for answer in answers:
            if links:
                answer["links"] = links


def _of(
    paths: Mapping[str, Any], prefix: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in paths.items():
        # Of one path parameter: a second one is nothing that was made.
        if not path.startswith(prefix) or path.count("{") != 1:
            continue
        parameter = path.partition("{")[2].partition("}")[0]
        field = _KEYS.get(parameter, parameter)
        for method in _METHODS:
            if method in item:
                name = item[method]["operationId"]
                yield (
                    name,
                    {
                        "operationId": name,
                        "parameters": {parameter: f"$response.body#/{field}"},
                    },
                )
