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

"""Whose a thing is: names of projects and users, which Keystone has."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from django.core import cache
from django.utils.translation import gettext_lazy as _
from horizon import exceptions
from openstack_dashboard.api import keystone

from gpubroker.dashboard.content.admin import projects

_UNREAD = _("The names of projects and users could not be read.")

#: More users than so many on a page are not asked for.
_MOST = 50


#: Seconds that the name of a user, and the list of projects, to which new
#: ones come, are remembered for whoever asked: a page that follows what
#: happens would ask for the same names all day.
_USER, _PROJECTS = 300, 60


def names(request: Any) -> projects.Projects:
    """All of them, in one request; Keystone has no way to ask for some."""
    key = _key(request, "projects")
    known = cache.cache.get(key)
    if known is not None:
        return projects.Projects(known)
    try:
        found, _more = keystone.tenant_list(request, admin=False)
    except Exception:
        # No hindrance, and no news to who may never ask: it is logged.
        exceptions.handle(request, _UNREAD, ignore=True)
        return projects.Projects()
    known = {one.id: one.name for one in found}
    cache.cache.set(key, known, _PROJECTS)
    return projects.Projects(known)


def users(request: Any, ids: Iterable[str]) -> dict[str, str]:
    """id -> name, of those that Keystone tells; an id stands for the others.

    One request each, since there may be many more users than fit an answer.
    """
    wanted = sorted(set(ids))
    keys = {user_id: _key(request, f"user:{user_id}") for user_id in wanted}
    kept = cache.cache.get_many(keys.values())
    known = {
        user_id: kept[key] for user_id, key in keys.items() if key in kept
    }
    asked = _ask(request, [one for one in wanted if one not in known][:_MOST])
    cache.cache.set_many(
        {keys[user_id]: name for user_id, name in asked.items()}, _USER
    )
    return {one: name for one, name in {**known, **asked}.items() if name}


def _ask(request: Any, ids: Iterable[str]) -> dict[str, str]:
    """id -> name; empty where Keystone has no such user."""
    found: dict[str, str] = {}
    for user_id in ids:
        try:
            one = keystone.user_get(request, user_id, admin=False)
            found[user_id] = one.name
        except exceptions.NOT_FOUND:
            # Users go; their leases stay in the list.
            found[user_id] = ""
        except Exception:
            # Who may not ask for one may not ask for the next.
            exceptions.handle(request, _UNREAD, ignore=True)
            break
    return found


def _key(request: Any, what: str) -> str:
    """Of who asks, in the project and region: another may see less."""
    user = request.user
    digest = hashlib.sha256(
        repr((user.id, user.project_id, user.services_region, what)).encode()
    )
    return f"gpubroker:{digest.hexdigest()}"


#: What Keystone makes: of its own users, and of those of a directory.
_USER_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}")


def actors(request: Any, doers: Iterable[str | None]) -> dict[str, str]:
    """As ``users``, of who did something; not all of them are users: parts of
    the service are."""
    return users(
        request, (one for one in doers if one and _USER_ID.fullmatch(one))
    )
