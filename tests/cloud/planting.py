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

"""Mistakes, planted in the small cloud by the ways in which people make them.

Each is a context: what it breaks is whole again when it is left.
"""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

from sandbox import cloud as clouds


@contextlib.contextmanager
def text(path: pathlib.Path, change: Callable[[str], str]) -> Iterator[None]:
    """A file with another text, or one that was not there."""
    before = path.read_text() if path.exists() else None
    after = change(before or "")
    if after == before:
        raise AssertionError(f"{path} has nothing to change")
    path.write_text(after)
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before)


@contextlib.contextmanager
def stopped(cloud: clouds.Cloud, *names: str) -> Iterator[None]:
    """Services of the sandbox."""
    for name in names:
        cloud.stop(name)
    try:
        yield
    finally:
        for name in names:
            cloud.start(name)


class Placement:
    """Of what Nova has there, changed by an operator."""

    def __init__(self, admin: Any) -> None:
        self._api = admin.placement

    @contextlib.contextmanager
    def traits(
        self, provider: str, change: Callable[[set[str]], set[str]]
    ) -> Iterator[None]:
        path = f"/resource_providers/{provider}/traits"
        before = set(self._get(path)["traits"])
        after = change(before)
        for trait in after - before:
            # One of the broker's may be new to Placement.
            if trait.startswith("CUSTOM_"):
                self._api.put(f"/traits/{trait}", microversion="1.39")
        self._put(path, {"traits": sorted(after)})
        try:
            yield
        finally:
            self._put(path, {"traits": sorted(before)})

    @contextlib.contextmanager
    def inventory(self, provider: str, **changes: Any) -> Iterator[None]:
        path = f"/resource_providers/{provider}/inventories"
        ((name, before),) = self._get(path)["inventories"].items()
        self._put(f"{path}/{name}", {**before, **changes}, path)
        try:
            yield
        finally:
            self._put(f"{path}/{name}", before, path)

    @contextlib.contextmanager
    def resource_class(self, name: str) -> Iterator[None]:
        path = f"/resource_classes/{name}"
        self._api.put(path, microversion="1.39")
        try:
            yield
        finally:
            self._api.delete(path, microversion="1.39")

    def _get(self, path: str) -> dict[str, Any]:
        answer = self._api.get(path, microversion="1.39")
        if answer.status_code != 200:
            raise AssertionError(answer.text)
        found: dict[str, Any] = answer.json()
        return found

    def _put(
        self, path: str, body: dict[str, Any], read: str | None = None
    ) -> None:
        """Against a nova-compute that writes there, too."""
        key = "resource_provider_generation"
        for _ in range(10):
            generation = self._get(read or path)[key]
            answer = self._api.put(
                path, json={**body, key: generation}, microversion="1.39"
            )
            if answer.status_code == 200:
                return
        raise AssertionError(answer.text)


@contextlib.contextmanager
def compute(admin: Any, host: str, before: Any, after: Any) -> Iterator[None]:
    """What Nova is told of a nova-compute."""
    listed = admin.compute.get(
        f"/os-services?binary=nova-compute&host={host}", microversion="2.96"
    )
    (service,) = listed.json()["services"]
    path = f"/os-services/{service['id']}"
    admin.compute.put(path, json=after, microversion="2.96")
    try:
        yield
    finally:
        admin.compute.put(path, json=before, microversion="2.96")


@contextlib.contextmanager
def endpoint(admin: Any, interface: str, url: str) -> Iterator[None]:
    """Of the broker."""
    service = next(iter(admin.identity.services(type="gpu-broker")))
    (found,) = admin.identity.endpoints(
        service_id=service.id, interface=interface
    )
    before = found.url
    admin.identity.update_endpoint(found.id, url=url)
    try:
        yield
    finally:
        admin.identity.update_endpoint(found.id, url=before)


@contextlib.contextmanager
def role(admin: Any, name: str, other: str) -> Iterator[None]:
    """Called by another name; who has it keeps it."""
    found = admin.identity.find_role(name, ignore_missing=False)
    admin.identity.update_role(found, name=other)
    try:
        yield
    finally:
        admin.identity.update_role(found, name=name)


@contextlib.contextmanager
def made(thing: Any, remove: Callable[[Any], object]) -> Iterator[None]:
    try:
        yield
    finally:
        remove(thing)
