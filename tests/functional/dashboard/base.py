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
"""Horizon in this process; of Keystone it needs little more than a token.

Its settings are found as a deployer's are, with the panels added to them as
``doc/source/install/horizon.rst`` says.
"""

from __future__ import annotations

import functools
import json
import os
import pathlib
import sys
import tempfile
from collections.abc import Callable, Iterable
from typing import Any

import testtools
from keystoneauth1 import access
from keystoneauth1 import fixture as ksa_fixture
from wsgi_intercept import interceptor

from tests.fixtures import api as test_api

BROKER = "http://gpu.test"
KEYSTONE = "http://keystone.test"
REGION = "RegionOne"

_SETTINGS = f"""
from gpubroker.dashboard import enabled as _gpubroker
from openstack_dashboard.local import enabled as _enabled

_enabled.__path__ += _gpubroker.__path__

SECRET_KEY = "of a test"
ALLOWED_HOSTS = ["*"]
OPENSTACK_KEYSTONE_URL = "{KEYSTONE}/v3"
API_RESULT_PAGE_SIZE = 5
# Sheets and scripts are another matter.
COMPRESS_ENABLED = False
COMPRESS_PRECOMPILERS = ()
CACHES = {{
    "default": {{
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {{"MAX_ENTRIES": 10000}},
    }}
}}
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
"""


@functools.cache
def horizon() -> None:
    """Set it up; Django allows that once a process."""
    folder = tempfile.TemporaryDirectory(prefix="gpubroker-horizon-")
    # Kept until the process ends.
    horizon.folder = folder  # type: ignore[attr-defined]
    local = pathlib.Path(folder.name) / "local"
    local.mkdir()
    (local / "__init__.py").write_text("")
    (local / "local_settings.py").write_text(
        f"{_SETTINGS}STATIC_ROOT = {folder.name!r}\n"
    )
    sys.path.insert(0, folder.name)
    os.environ["DJANGO_SETTINGS_MODULE"] = "openstack_dashboard.settings"
    import django

    django.setup()


class TestCase(testtools.TestCase):
    """:ivar api: the API and its world.
    :ivar asked: how often it was asked something.
    :ivar keystone: what answers for Keystone.
    :ivar asked_keystone: the paths that it was asked for.
    """

    def setUp(self) -> None:
        super().setUp()
        horizon()
        _forget()
        self.api = self.useFixture(test_api.Api())
        self.world = self.api.world
        self.asked = 0
        self._serve(BROKER, self._answer)
        self.keystone = _keystone
        self.asked_keystone: list[str] = []
        self._serve(KEYSTONE, self._answer_keystone)

    def _answer(self, *args: Any) -> Any:
        self.asked += 1
        return self.api.application(*args)

    def _answer_keystone(self, environ: dict[str, Any], *args: Any) -> Any:
        self.asked_keystone.append(environ["PATH_INFO"])
        return self.keystone(environ, *args)

    def _serve(self, url: str, application: Callable[..., Any]) -> None:
        intercept = interceptor.RequestsInterceptor(
            lambda: application, url=url
        )
        intercept.install_intercept()
        self.addCleanup(intercept.uninstall_intercept)

    def sign_in(
        self, who: test_api.Persona = test_api.MEMBER, broker: str = BROKER
    ) -> Any:
        """A client of Django's with a session, as Horizon's login makes it.

        :param broker: what the catalogue has for gpu-broker; may be nothing.
        """
        from django import test
        from django.contrib import auth
        from openstack_auth import user

        client = test.Client(headers={"accept-language": "en"})
        session = client.session
        session[auth.SESSION_KEY] = session["user_id"] = who.user_id
        session[auth.BACKEND_SESSION_KEY] = (
            "openstack_auth.backend.KeystoneBackend"
        )
        session["token"] = user.Token(_token(who, broker))
        session["region_endpoint"] = f"{KEYSTONE}/v3"
        session["services_region"] = REGION
        session.save()
        client.cookies["sessionid"] = session.session_key
        return client

    def assertPanel(self, there: bool, client: Any, url: str) -> None:
        """Who may see a panel finds it in the menu; who may not has neither
        the page nor a way to it."""
        self.assertEqual(200 if there else 403, client.get(url).status_code)
        # Some page of Horizon's own: the menu is in the frame of each.
        home = client.get("/project/api_access/")
        self.assertEqual(200, home.status_code)
        self.assertEqual(there, f'href="{url}"' in home.content.decode())

    @staticmethod
    def read(client: Any, url: str, **options: Any) -> str:
        """A page without Horizon's frame, which is long."""
        text = client.get(url, **options).content.decode()
        _before, found, rest = text.partition('<div id="content_body">')
        return rest.partition('<div id="footer">')[0] if found else text[:2000]


def _forget() -> None:
    """Sessions, and what an earlier test has asked for."""
    from django.core import cache

    from gpubroker.dashboard import api

    cache.cache.clear()
    api.documents.cache_clear()


def _token(who: test_api.Persona, broker: str) -> Any:
    token = ksa_fixture.V3Token(
        user_id=who.user_id,
        user_name=who.user_id,
        user_domain_id="default",
        user_domain_name="Default",
        project_id=who.project_id,
        project_name=who.project_id,
        project_domain_id="default",
        project_domain_name="Default",
    )
    for role in test_api.ROLES[who.role]:
        token.add_role(name=role)
    for kind, url in (("identity", f"{KEYSTONE}/v3"), ("gpu-broker", broker)):
        if url:
            service = token.add_service(kind, name=kind)
            service.add_standard_endpoints(public=url, region=REGION)
    return access.create(auth_token=who.token, body=token)


def _keystone(
    environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    """What Horizon's frame asks on every page, which projects one has, and
    the names of all of them and of users: as the ids, in capitals."""
    path = environ["PATH_INFO"]
    body: dict[str, Any] = {
        "/v3/auth/projects": {"projects": []},
        "/v3/projects": {
            "projects": [
                {"id": one, "name": one.upper()}
                for one in (test_api.PROJECT, test_api.OTHER)
            ]
        },
        "/v3/users": {"users": []},
    }.get(path) or {"version": ksa_fixture.V3Discovery(f"{KEYSTONE}/v3")}
    if path.startswith("/v3/users/"):
        user_id, *more = path.removeprefix("/v3/users/").split("/")
        body = {"projects": []}
        if not more:
            body = {"user": {"id": user_id, "name": user_id.upper()}}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]
