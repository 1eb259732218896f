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

"""The service catalogue: where others find the broker, and it the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib import parse

from gpubroker import errors
from gpubroker import versions
from gpubroker.services.checks import finding as f
from gpubroker.services.checks import outside
from gpubroker.services.checks.mistakes import Mistake

#: What the broker asks of others, in its own name or a user's.
NEEDED = {
    "identity": "Keystone",
    "placement": "Placement",
    "compute": "Nova",
    "image": "Glance",
    "network": "Neutron",
}


def catalogue(standing: outside.Standing) -> f.Findings:
    yield from _others(standing)
    public = standing.endpoints(versions.SERVICE_TYPE, ("public",))
    ours = standing.endpoints(versions.SERVICE_TYPE)
    if not public:
        yield f.failure(
            Mistake.ENDPOINT_MISSING,
            f"The catalogue has no public endpoint of type "
            f"{versions.SERVICE_TYPE} in the region of [service_user], so "
            'that no client finds the broker. Run "openstack service create '
            f'--name gpubroker {versions.SERVICE_TYPE}" and "openstack '
            f'endpoint create {versions.SERVICE_TYPE} public URL".',
        )
    for url in sorted({*public, *ours}):
        yield from _ours(standing, url)


def _others(standing: outside.Standing) -> f.Findings:
    missing = [
        f"{kind} ({name})"
        for kind, name in NEEDED.items()
        if not standing.endpoints(kind)
    ]
    if missing:
        yield f.failure(
            Mistake.SERVICE_MISSING,
            f"The catalogue has no endpoint of type {f.words(missing)} for "
            "the region and interfaces of [service_user]. Set region_name "
            'and interface there to those that "openstack catalog list" '
            "shows, or make the endpoint.",
        )


def _ours(standing: outside.Standing, url: str) -> f.Findings:
    if _has_version(url):
        yield f.warning(
            Mistake.ENDPOINT_VERSIONED,
            f"The endpoint {url} ends in a version. Clients find the version "
            "themselves: register the URL without it.",
        )
        return
    try:
        answer = standing.answer_at(url)
    except errors.Unavailable as error:
        yield f.failure(
            Mistake.ENDPOINT_AWAY,
            f"Nobody answers at the endpoint {url} "
            f"({error.fields.get('detail', error.message)}). Start the API, "
            'or set the right URL with "openstack endpoint set --url".',
        )
        return
    if _is_ours(answer):
        yield f.fact(url)
    else:
        yield f.failure(
            Mistake.ENDPOINT_ELSEWHERE,
            f"What answers at the endpoint {url} is not gpubroker. Set the "
            'right URL with "openstack endpoint set --url", or mend what the '
            "proxy before it does with the path.",
        )


def _is_ours(answer: Any) -> bool:
    """Whether it is the version document of this API (controllers.root)."""
    listed = answer.get("versions") if isinstance(answer, dict) else None
    return isinstance(listed, Iterable) and any(
        isinstance(one, dict)
        and one.get("id") == "v1"
        and one.get("min_version") == versions.MIN_VERSION
        for one in listed
    )


def _has_version(url: str) -> bool:
    last = parse.urlsplit(url).path.rstrip("/").rpartition("/")[2]
    return last.startswith("v") and last[1:].replace(".", "").isdecimal()
