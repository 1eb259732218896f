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


"""The OpenAPI 3.1 description, made of the same schemas that check.

What the dispatcher, the middleware and the error module do is put into words
here once; everything else comes from the promises of the operations.
"""

from __future__ import annotations

import http
import re
from collections.abc import Mapping
from typing import Any

import microversion_parse

from gpubroker import versions
from gpubroker.api import links
from gpubroker.api import operation
from gpubroker.api import routing
from gpubroker.api.schemas import devices
from gpubroker.api.schemas import discovery
from gpubroker.api.schemas import flavors
from gpubroker.api.schemas import hosts
from gpubroker.api.schemas import leases
from gpubroker.api.schemas import models
from gpubroker.api.schemas import pools
from gpubroker.api.schemas import reports
from gpubroker.api.schemas import types
from gpubroker.api.schemas import workloads

_ERROR: types.Schema = {
    "type": "object",
    "required": ["status", "code", "title", "detail", "request_id"],
    "properties": {
        "status": {"type": "integer"},
        "code": {
            "type": "string",
            "description": "A stable word for programs.",
        },
        "title": {"type": "string"},
        "detail": {"type": "string", "description": "A sentence for people."},
        "field": {
            "type": "string",
            "description": "The field or parameter at fault, if it is one.",
        },
        "request_id": {"type": "string"},
        "links": types.LINKS,
        "min_version": {"type": "string"},
        "max_version": {"type": "string"},
    },
}

_ERRORS: types.Schema = {
    "type": "object",
    "required": ["errors"],
    "properties": {"errors": {"type": "array", "items": _ERROR}},
}

_HEALTH: types.Schema = types.whole(
    {"name": {"type": "string"}, "reason": {"type": "string"}}
)

#: Schemas that are shown by name wherever they are used.
_NAMED: dict[str, types.Schema] = {
    "Errors": _ERRORS,
    "Version": discovery.VERSION,
    "Versions": discovery.VERSIONS,
    "Links": types.LINKS,
    "Model": models.MODEL,
    "Flavor": flavors.FLAVOR,
    "Pool": pools.POOL,
    "Host": hosts.HOST,
    "HostConfig": hosts.CONFIG,
    "Report": reports.REPORT,
    "ReportAnswer": reports.ANSWER,
    "Device": devices.DEVICE,
    "Fence": devices.FENCE,
    "Lease": leases.LEASE,
    "LeaseOrder": leases.CREATE,
    "Workload": workloads.ORDER,
}

_KEY: types.Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]*$",
}

_VERSION_HEADER = {
    "name": "OpenStack-API-Version",
    "in": "header",
    "description": "The microversion; the oldest one without it.",
    "schema": {
        "type": "string",
        "examples": [f"{versions.SERVICE_TYPE} {versions.MAX_VERSION}"],
    },
}

_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "The entity tag that the thing has to have.",
    "schema": {
        "type": "string",
        "pattern": '^((W/)?"[^"]*"|\\*)(, ?((W/)?"[^"]*"|\\*))*$',
        "examples": ['"3"'],
    },
}


def document(tree: routing.Node, url: str) -> dict[str, Any]:
    """The description of the newest microversion.

    :param url: where the API is.
    """
    paths: dict[str, Any] = {}
    for route in routing.walk(tree):
        if route.operation.offered(_newest()):
            item = paths.setdefault(route.path, _item(route.path))
            item[route.method.lower()] = _operation(route)
    links.add(paths)
    paths.update(_health())
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "gpubroker",
            "summary": "The GPUs of a private OpenStack cloud as a product",
            "version": versions.MAX_VERSION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": url or "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Auth-Token",
                    "description": "A Keystone token of a project.",
                }
            },
            "schemas": {
                name: _named(schema, top=True)
                for name, schema in _NAMED.items()
            },
        },
    }


def _newest() -> microversion_parse.Version:
    return microversion_parse.parse_version_string(versions.MAX_VERSION)


def _current(
    schemas: tuple[operation.Versioned, ...],
) -> types.Schema | None:
    for schema in schemas:
        if schema.holds(_newest()):
            return schema.validator.schema
    return None


def _named(value: Any, top: bool = False) -> Any:
    """The same schema with references for what has a name."""
    if isinstance(value, Mapping):
        if not top:
            for name, schema in _NAMED.items():
                if value is schema:
                    return {"$ref": f"#/components/schemas/{name}"}
        return {key: _named(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_named(item) for item in value]
    return value


def _item(path: str) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _KEY}
        for name in re.findall(r"{(\w+)}", path)
    ]
    return {"parameters": [*parameters, _VERSION_HEADER]}


def _operation(route: routing.Route) -> dict[str, Any]:
    promise = route.operation
    made: dict[str, Any] = {
        "operationId": _name(route.method, route.path),
        "summary": promise.summary,
        "tags": [_tag(route.path)],
        "parameters": _parameters(promise),
        "responses": _responses(promise),
        "x-openstack-versions": {
            "min": promise.since,
            "max": promise.until,
        },
    }
    if promise.description:
        made["description"] = promise.description
    body = _current(promise.bodies)
    if body is not None:
        made["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _named(body)}},
        }
    if promise.rule is None:
        made["security"] = []
    else:
        made["x-openstack-policy"] = f"gpubroker:{promise.rule}"
    return made


def _name(method: str, path: str) -> str:
    words = re.sub(r"{(\w+)}", r"by_\1", path) if path != "/" else "/versions"
    return re.sub(r"\W+", "_", f"{method.lower()}{words}").strip("_")


def _tag(path: str) -> str:
    parts = path.strip("/").split("/")
    if len(parts) > 1 and "." not in parts[1]:
        return parts[1]
    return "discovery"


def _parameters(promise: operation.Operation) -> list[dict[str, Any]]:
    query = _current(promise.queries) or {"properties": {}}
    made: list[dict[str, Any]] = []
    for name, schema in query["properties"].items():
        parameter = {"name": name, "in": "query", "schema": _named(schema)}
        if schema.get("type") == "array":
            parameter.update(style="form", explode=False)
        made.append(parameter)
    if 412 in promise.statuses:
        made.append(_IF_MATCH)
    return made


def statuses(promise: operation.Operation) -> list[int]:
    """Every status that an operation may answer with."""
    # 400 and 406 for the microversion alone, if nothing else.
    found = {promise.status, 400, 406, *promise.statuses}
    if promise.rule is not None:
        found |= {401, 403, 429, 503}
    if promise.bodies:
        found |= {413, 415}
    return sorted(found)


def _responses(promise: operation.Operation) -> dict[str, Any]:
    return {
        str(status): _success(promise)
        if status == promise.status
        else _error(status)
        for status in statuses(promise)
    }


def _success(promise: operation.Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "description": http.HTTPStatus(promise.status).phrase,
        "headers": _headers(promise),
    }
    answer = _current(promise.answers)
    if answer is not None:
        made["content"] = {"application/json": {"schema": _named(answer)}}
    return made


def _headers(promise: operation.Operation) -> dict[str, Any]:
    text = {"schema": {"type": "string"}}
    made: dict[str, Any] = {
        "OpenStack-API-Version": text,
        "X-OpenStack-Request-ID": text,
    }
    answer = _current(promise.answers) or {}
    if "generation" in answer.get("properties", {}):
        made["ETag"] = text
    if promise.status == 201:
        made["Location"] = text
    return made


def _error(status: int) -> dict[str, Any]:
    return {
        "description": http.HTTPStatus(status).phrase,
        "content": {"application/json": {"schema": _named(_ERRORS)}},
    }


def _health() -> dict[str, Any]:
    """What the middleware answers before any of this is asked."""
    made = {}
    for path, kinds in (
        ("/healthcheck", ("text/plain", "application/json", "text/html")),
        ("/healthcheck/database", ("application/json",)),
        ("/healthcheck/messaging", ("application/json",)),
    ):
        schema = _HEALTH if path != "/healthcheck" else {}
        content = {kind: {"schema": schema} for kind in kinds}
        made[path] = {
            "get": {
                "operationId": _name("get", path),
                "summary": f"Say whether {path.split('/')[-1]} is well.",
                "tags": ["health"],
                "security": [],
                "responses": {
                    "200": {"description": "Well", "content": content},
                    "503": {"description": "Not well", "content": content},
                },
            }
        }
    return made
