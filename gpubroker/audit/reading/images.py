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

"""Glance: the images of leases whose servers are not made yet."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent import futures
from dataclasses import dataclass, field

from gpubroker.audit.reading.service import CannotLook
from gpubroker.audit.reading.service import Service
from gpubroker.audit.snapshot import Image


@dataclass(frozen=True, slots=True)
class Images:
    """:param found: ``None`` for one that is gone.
    :param unread: why others are not there.
    """

    found: Mapping[str, Image | None] = field(default_factory=dict)
    unread: str = ""


def images(
    glance: Service, ids: Collection[str], pool: futures.Executor
) -> Images:
    """As many as can be read: that one is missing says little, and of the
    leases that run not even that."""
    asked = {one: pool.submit(_image, glance, one) for one in sorted(ids)}
    found: dict[str, Image | None] = {}
    unread = set()
    for one, future in asked.items():
        try:
            found[one] = future.result()
        except CannotLook as error:
            unread.add(str(error))
    return Images(found, "; ".join(sorted(unread)))


def _image(glance: Service, image_id: str) -> Image | None:
    answer = glance.find(f"/images/{image_id}")
    if answer is None:
        return None
    record = answer.body
    return Image(
        id=record["id"],
        status=record["status"],
        visibility=record["visibility"],
        owner=record.get("owner"),
        members=_members(glance, image_id)
        if record["visibility"] == "shared"
        else (),
    )


def _members(glance: Service, image_id: str) -> tuple[str, ...]:
    answer = glance.find(f"/images/{image_id}/members")
    listed = answer.body["members"] if answer else ()
    return tuple(record["member_id"] for record in listed)
