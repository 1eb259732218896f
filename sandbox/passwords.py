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

"""The passwords of one sandbox: random, made once, kept in its folder."""

import secrets
from dataclasses import dataclass

from sandbox import layout as layouts
from sandbox import private_files

# Everyone who has a password: Keystone users, then accounts of the database
# and of the message bus.
OWNERS = (
    "bootstrap",
    "operator",
    "demo-user",
    "other-user",
    "placement",
    "glance",
    "neutron",
    "nova",
    "gpubroker",
    "database",
    "messaging",
    # Not a password: what Horizon signs its cookies with.
    "horizon",
)


@dataclass(frozen=True)
class Passwords:
    """A password by its owner's name."""

    by_owner: dict[str, str]

    def __getitem__(self, owner: str) -> str:
        return self.by_owner[owner]

    def __repr__(self) -> str:
        return "Passwords(...)"


def load(layout: layouts.Layout) -> Passwords:
    """The sandbox's passwords; those that are missing are made."""
    known: dict[str, str] = private_files.read_json(layout.passwords) or {}
    wanted = {
        owner: known.get(owner) or secrets.token_hex(16) for owner in OWNERS
    }
    if wanted != known:
        private_files.write_json(layout.passwords, wanted)
    return Passwords(wanted)
