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

"""Keystone, Glance and Neutron, as far as the command line asks them.

Narrow on purpose, and told apart by their host names. What it answers is
what the real services of 2026.2 were seen to answer;
``tests/cloud/test_command_line.py`` runs the main commands against those.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import webob
from keystoneauth1 import fixture as ksa_fixture
from webob import dec

from tests.fixtures import api as test_api
from tests.fixtures import cloud as test_cloud

KEYSTONE = "http://keystone.test"
GLANCE = "http://glance.test"
NEUTRON = "http://neutron.test"
BROKER = "http://gpu.test"
REGION = "RegionOne"
PASSWORD = "secret"

NETWORK = "99999999-2222-4333-8444-555555555555"
PORT = "88888888-2222-4333-8444-555555555555"


@dataclass
class Credential:
    """An application credential."""

    id: str
    name: str
    secret: str
    user_id: str
    project_id: str
    roles: list[str]


@dataclass
class State:
    """What the services know.

    :ivar users: id -> name, enabled and password.
    :ivar granted: (project, user) -> roles.
    """

    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    granted: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    credentials: dict[str, Credential] = field(default_factory=dict)
    roles: list[str] = field(
        default_factory=lambda: ["admin", "member", "gpubroker_agent"]
    )
    projects: list[str] = field(
        default_factory=lambda: ["admin", "demo", "other", "service"]
    )
    images: list[tuple[str, str]] = field(
        default_factory=lambda: [
            (test_cloud.IMAGE, "ubuntu"),
            (str(uuid.uuid4()), "twice"),
            (str(uuid.uuid4()), "twice"),
        ]
    )
    interfaces: tuple[str, ...] = ("public", "internal")
    services: dict[str, str] = field(
        default_factory=lambda: {
            "identity": f"{KEYSTONE}/v3",
            "image": GLANCE,
            "network": NEUTRON,
            "gpu-broker": BROKER,
        }
    )


Routes = list[tuple[str, str, Callable[..., Any]]]


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Emulated:
    """A WSGI application; ``api`` is told of the tokens that are given."""

    def __init__(self, api: test_api.Api) -> None:
        self.api = api
        self.state = State()
        for persona in test_api.PERSONAS.values():
            self.state.users[persona.user_id] = {
                "name": persona.user_id,
                "password": PASSWORD,
                "enabled": True,
            }
            self.state.granted[(persona.project_id, persona.user_id)] = [
                persona.role
            ]
        self._routes = [
            (method, re.compile(pattern), handler)
            for method, pattern, handler in (
                *self._keystone_routes(),
                *self._other_routes(),
            )
        ]

    def _keystone_routes(self) -> Routes:
        return [
            ("GET", "keystone.test(/|/v3/?)", self._discover),
            ("POST", "keystone.test/v3/auth/tokens", self._log_in),
            (
                "GET",
                "keystone.test/v3/(domains|projects|roles)/(.+)",
                self._one,
            ),
            ("GET", "keystone.test/v3/(projects|roles)", self._named),
            ("GET", "keystone.test/v3/users", self._users),
            ("POST", "keystone.test/v3/users", self._add_user),
            ("PATCH", "keystone.test/v3/users/([^/]+)", self._set_user),
            (
                "PUT",
                "keystone.test/v3/projects/(.+)/users/(.+)/roles/(.+)",
                self._grant,
            ),
            (
                "GET",
                "keystone.test/v3/users/([^/]+)/application_credentials",
                self._credentials,
            ),
            (
                "POST",
                "keystone.test/v3/users/([^/]+)/application_credentials",
                self._add_credential,
            ),
            (
                "DELETE",
                "keystone.test/v3/users/([^/]+)/application_credentials/(.+)",
                self._drop_credential,
            ),
        ]

    def _other_routes(self) -> Routes:
        return [
            ("GET", "glance.test/?", self._glance),
            ("GET", "glance.test/v2/images/(.+)", self._image),
            ("GET", "glance.test/v2/images", self._images),
            ("GET", "neutron.test/?", self._neutron),
            (
                "GET",
                "neutron.test/v2.0/(networks|ports)/(.+)",
                self._nothing,
            ),
            ("GET", "neutron.test/v2.0/(networks|ports)", self._ports),
        ]

    @dec.wsgify
    def __call__(self, request: webob.Request) -> webob.Response:
        where = request.host.partition(":")[0] + request.path_info
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(where)
            if match and method == request.method:
                try:
                    return handler(request, *match.groups())
                except Refused as refused:
                    error = {"code": refused.status, "message": str(refused)}
                    return _json({"error": error}, refused.status)
        raise AssertionError(f"not emulated: {request.method} {where}")

    # -- Keystone ----------------------------------------------------------

    def _discover(self, request: webob.Request, path: str) -> Any:
        version = ksa_fixture.V3Discovery(f"{KEYSTONE}/v3")
        if "v3" in path:
            return _json({"version": version})
        return _json({"versions": {"values": [version]}}, 300)

    def _log_in(self, request: webob.Request) -> Any:
        identity = request.json["auth"]["identity"]
        if "application_credential" in identity["methods"]:
            asked = identity["application_credential"]
            found = self.state.credentials.get(asked["id"])
            if found is None or found.secret != asked["secret"]:
                raise _unauthenticated()
            return self._token(found.user_id, found.project_id, found.roles)
        asked = identity["password"]["user"]
        for user_id, user in self.state.users.items():
            if asked.get("id", user_id) == user_id and (
                asked.get("name", user["name"]) == user["name"]
            ):
                break
        project = request.json["auth"]["scope"]["project"]
        project_id = project.get("id") or project["name"]
        roles = self.state.granted.get((project_id, user_id))
        if user["password"] != asked["password"] or not roles:
            raise _unauthenticated()
        return self._token(user_id, project_id, roles)

    def _token(self, user_id: str, project_id: str, roles: list[str]) -> Any:
        persona = test_api.Persona(user_id, project_id, roles[0])
        self.api.add(persona)
        token = ksa_fixture.V3Token(
            user_id=user_id, user_name=user_id, project_id=project_id
        )
        for role in roles:
            token.add_role(id=role, name=role)
        for kind, url in self.state.services.items():
            service = token.add_service(kind)
            for interface in self.state.interfaces:
                service.add_endpoint(interface, url, region=REGION)
        answer = _json(token, 201)
        answer.headers["X-Subject-Token"] = persona.token
        return answer

    def _admin(self, request: webob.Request, action: str) -> None:
        if not request.headers["X-Auth-Token"].endswith("@admin"):
            raise Refused(
                403,
                f"You are not authorized to perform the requested action: "
                f"identity:{action}.",
            )

    def _one(self, request: webob.Request, kind: str, key: str) -> Any:
        if kind == "domains" and key == "default":
            return _json({"domain": {"id": key, "name": "Default"}})
        raise Refused(404, f"Could not find {kind}: {key}.")

    def _named(self, request: webob.Request, kind: str) -> Any:
        known = getattr(self.state, kind)
        name = request.GET.get("name")
        found = [{"id": x, "name": x} for x in known if x == name]
        return _json({kind: found})

    def _users(self, request: webob.Request) -> Any:
        self._admin(request, "list_users")
        found = [
            {"id": user_id, "name": user["name"], "enabled": user["enabled"]}
            for user_id, user in self.state.users.items()
            if user["name"] == request.GET.get("name")
        ]
        return _json({"users": found})

    def _add_user(self, request: webob.Request) -> Any:
        self._admin(request, "create_user")
        user = {"enabled": True, **request.json["user"]}
        user_id = uuid.uuid4().hex
        self.state.users[user_id] = user
        return _json({"user": {"id": user_id, "name": user["name"]}}, 201)

    def _set_user(self, request: webob.Request, user_id: str) -> Any:
        self._admin(request, "update_user")
        self.state.users[user_id].update(request.json["user"])
        return _json({"user": {"id": user_id}})

    def _grant(
        self, request: webob.Request, project: str, user: str, role: str
    ) -> Any:
        self._admin(request, "create_grant")
        self.state.granted[(project, user)] = [role]
        return webob.Response(status=204)

    def _credentials(self, request: webob.Request, user_id: str) -> Any:
        found = [
            {"id": one.id, "name": one.name}
            for one in self.state.credentials.values()
            if one.user_id == user_id
        ]
        return _json({"application_credentials": found})

    def _add_credential(self, request: webob.Request, user_id: str) -> Any:
        caller, _, project_id = request.headers["X-Auth-Token"].partition("@")
        if caller != user_id:
            # As in Keystone: not even an administrator makes one for others.
            raise Refused(403, "identity:create_application_credential.")
        body = request.json["application_credential"]
        made = Credential(
            id=uuid.uuid4().hex,
            name=body["name"],
            secret=uuid.uuid4().hex,
            user_id=user_id,
            project_id=project_id,
            roles=[role["id"] for role in body["roles"]],
        )
        self.state.credentials[made.id] = made
        shown = {"id": made.id, "name": made.name, "secret": made.secret}
        return _json({"application_credential": shown}, 201)

    def _drop_credential(
        self, request: webob.Request, user_id: str, credential_id: str
    ) -> Any:
        del self.state.credentials[credential_id]
        return webob.Response(status=204)

    # -- Glance and Neutron ------------------------------------------------

    def _glance(self, request: webob.Request) -> Any:
        version = {
            "id": "v2.16",
            "status": "CURRENT",
            "links": [{"rel": "self", "href": f"{GLANCE}/v2/"}],
        }
        return _json({"versions": [version]}, 300)

    def _image(self, request: webob.Request, key: str) -> Any:
        for image_id, name in self.state.images:
            if image_id == key:
                return _json({"id": image_id, "name": name})
        raise Refused(404, f"No image found with ID {key}")

    def _images(self, request: webob.Request) -> Any:
        wanted = request.GET.get("name")
        found = [
            {"id": image_id, "name": name}
            for image_id, name in self.state.images
            if wanted in (None, name)
        ]
        return _json({"images": found})

    def _neutron(self, request: webob.Request) -> Any:
        version = {
            "id": "v2.0",
            "status": "CURRENT",
            "links": [{"rel": "self", "href": f"{NEUTRON}/v2.0/"}],
        }
        return _json({"versions": [version]})

    def _nothing(self, request: webob.Request, kind: str, key: str) -> Any:
        raise Refused(404, f"{kind} {key} could not be found.")

    def _ports(self, request: webob.Request, kind: str) -> Any:
        known = {"networks": ("net", NETWORK), "ports": ("port", PORT)}
        name, found_id = known[kind]
        found = [{"id": found_id, "name": name}]
        return _json({kind: found if request.GET.get("name") == name else []})


def _unauthenticated() -> Refused:
    return Refused(401, "The request you have made requires authentication.")


def _json(body: Any, status: int = 200) -> webob.Response:
    return webob.Response(
        json_body=body, status=status, content_type="application/json"
    )
