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

"""User data of all leases at once, for who looks after the keys."""

from __future__ import annotations

from collections.abc import Callable

from gpubroker import errors
from gpubroker.db import store as db_store


def stale(store: db_store.Store) -> list[str]:
    """Ids of leases whose user data the primary key did not encrypt.

    :raises Misconfigured: there is no key.
    """
    with store.read() as tx:
        return [
            lease_id
            for lease_id in tx.leases.with_user_data()
            if not tx.leases.user_data_is_fresh(lease_id)
        ]


def unreadable(store: db_store.Store) -> list[str]:
    """Ids of leases whose user data no key of this machine fits."""
    with store.read() as tx:
        return [
            lease_id
            for lease_id in tx.leases.with_user_data()
            if not _readable(tx.leases.user_data, lease_id)
        ]


def renew(store: db_store.Store) -> tuple[int, list[str]]:
    """Encrypt all of it by the primary key; harmless to repeat.

    One lease a transaction: the services work on meanwhile.

    :returns: how many were renewed, and the ids that no key fits.
    :raises Misconfigured: there is no key.
    """
    done, lost = 0, []
    for lease_id in stale(store):
        with store.write() as tx:
            if _readable(tx.leases.renew_user_data, lease_id):
                done += 1
            else:
                lost.append(lease_id)
    return done, lost


def _readable(look: Callable[[str], object], lease_id: str) -> bool:
    try:
        look(lease_id)
    except errors.Undecipherable:
        return False
    return True
