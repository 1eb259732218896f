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

"""What ``gpubroker-manage keys`` does."""

from __future__ import annotations

import argparse
import sys

from gpubroker.db import store
from gpubroker.db import user_data

DONE, FAILED = 0, 1


def create(database: store.Store, args: argparse.Namespace) -> int:
    folder = database.keys.folder
    made = database.keys.create()
    count = len(database.keys.read())
    print(
        f"Made the first keys in {folder}. Copy the folder to every machine "
        "of the API and of the workers."
        if made
        else f"There are {count} keys in {folder} already."
    )
    return DONE


def rotate(database: store.Store, args: argparse.Namespace) -> int:
    """The oldest key goes: nothing may need it."""
    database.keys.read()
    waiting = len(user_data.stale(database))
    if waiting:
        print(
            f"The user data of {waiting} leases is encrypted by a key that "
            "is not the primary one and might go: run gpubroker-manage keys "
            "migrate first.",
            file=sys.stderr,
        )
        return FAILED
    number = database.keys.rotate()
    print(
        f"Key {number} is the primary one, and a new one is staged. Copy "
        f"{database.keys.folder} to every machine of the API and of the "
        "workers, then run gpubroker-manage keys migrate."
    )
    return DONE


def migrate(database: store.Store, args: argparse.Namespace) -> int:
    done, lost = user_data.renew(database)
    print(f"Encrypted the user data of {done} leases by the primary key.")
    return _tell(lost)


def check(database: store.Store, args: argparse.Namespace) -> int:
    count = len(database.keys.read())
    print(f"{count} keys in {database.keys.folder} can be read.")
    stale = len(user_data.stale(database))
    if stale:
        print(
            f"The user data of {stale} leases is not encrypted by the "
            "primary key: gpubroker-manage keys migrate changes that."
        )
    return _tell(user_data.unreadable(database))


def _tell(lost: list[str]) -> int:
    if not lost:
        return DONE
    print(
        f"No key here fits the user data of {', '.join(lost)}: copy the "
        "keys from a machine that has them. A lease whose key is lost has "
        "to be ended and ordered again.",
        file=sys.stderr,
    )
    return FAILED


VERBS = {
    "create": (
        create,
        "make the folder of [encryption] key_repository and the first keys; "
        "harmless to repeat",
    ),
    "rotate": (
        rotate,
        "make the staged key the primary one and stage a new one; refused "
        "while something is encrypted by an older key",
    ),
    "migrate": (
        migrate,
        "encrypt by the primary key what an older one encrypted; harmless to "
        "repeat",
    ),
    "check": (
        check,
        "succeed only if the keys can be read and fit all user data",
    ),
}
