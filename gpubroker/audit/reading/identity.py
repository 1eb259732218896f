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

"""Keystone: the rights that users have delegated to the broker."""

from __future__ import annotations

import datetime

from gpubroker.audit.reading.service import CannotLook
from gpubroker.audit.reading.service import Service
from gpubroker.audit.reading.service import time
from gpubroker.audit.snapshot import Trust


def trusts(
    keystone: Service, broker: str, now: datetime.datetime
) -> tuple[Trust, ...]:
    """Trusts that are still good for something.

    :param broker: id of the broker's user.
    """
    answer = keystone.get("/OS-TRUST/trusts", trustee_user_id=broker)
    return tuple(
        Trust(
            id=record["id"],
            user_id=record["trustor_user_id"],
            project_id=record["project_id"],
        )
        for record in answer.body["trusts"]
        if not _over(time(record.get("expires_at")), now)
    )


def _over(
    expires_at: datetime.datetime | None, now: datetime.datetime
) -> bool:
    return expires_at is not None and expires_at <= now


def user(keystone: Service, broker: str) -> str:
    """The id of the broker's user.

    :param broker: its name or its id.
    """
    named = keystone.get("/users", name=broker).body["users"]
    if len(named) > 1:
        raise CannotLook(
            keystone.name,
            f"has several users named {broker}: give the id of the broker's "
            "with --broker-user",
        )
    if named:
        return str(named[0]["id"])
    if keystone.find(f"/users/{broker}") is None:
        raise CannotLook(
            keystone.name,
            f"has no user {broker}: say with --broker-user who the broker is",
        )
    return broker
