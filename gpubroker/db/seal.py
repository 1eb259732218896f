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

"""Encrypts what is secret before it gets into SQL.

Fernet (AES-128-CBC and HMAC-SHA256) of the cryptography package, as Keystone
and Heat use it. What is sealed says in its inside whose it is: the lease, its
project and its user. Somebody who can write to the database can not have it
decrypted for a lease of their own, nor make another's lease their own.
"""

from __future__ import annotations

import logging

from cryptography import fernet

from gpubroker import errors
from gpubroker.db import key_files

LOG = logging.getLogger(__name__)

_WORDS = (
    "The user data of this lease can not be read at present; the log of the "
    "service tells its operators why. It is tried again by itself."
)


class Seal:
    """Reads the keys at each use: a new one needs no restart.

    :param folder: of ``[encryption] key_repository``.
    """

    def __init__(self, folder: str) -> None:
        self.files = key_files.KeyFiles(folder)

    def close(self, text: str, owner: str) -> str:
        """:param owner: whose it is; needed to open it.

        :raises Misconfigured: there is no key to be had.
        """
        try:
            primary = fernet.Fernet(self.files.read()[0])
        except errors.Misconfigured as error:
            LOG.error("%s", error.fields["detail"])
            raise
        return primary.encrypt(_inside(text, owner)).decode()

    def open(self, sealed: str, owner: str) -> str:
        """:raises Undecipherable: no key fits, or it is another owner's."""
        try:
            keys = [fernet.Fernet(key) for key in self.files.read()]
        except errors.Misconfigured as error:
            raise errors.Undecipherable(_WORDS, **error.fields) from error
        try:
            inside = fernet.MultiFernet(keys).decrypt(sealed.encode())
        except fernet.InvalidToken:
            raise errors.Undecipherable(
                _WORDS,
                detail="No key of [encryption] key_repository on this "
                "machine fits the user data. Copy the keys from a machine "
                "of the API.",
            ) from None
        found, _, text = inside.decode().partition("\n")
        if found != owner:
            raise errors.Undecipherable(
                _WORDS,
                detail=f"The user data in the row of {owner} was encrypted "
                f"for {found}: somebody has written to the database.",
            )
        return text

    def fresh(self, sealed: str) -> bool:
        """Whether the primary key encrypted it."""
        try:
            fernet.Fernet(self.files.read()[0]).decrypt(sealed.encode())
        except fernet.InvalidToken:
            return False
        return True


def owner(lease_id: str, project_id: str, user_id: str) -> str:
    """Whose the user data of a lease is; none of the three ever changes."""
    return " ".join((lease_id, project_id, user_id))


def _inside(text: str, owner: str) -> bytes:
    return f"{owner}\n{text}".encode()
