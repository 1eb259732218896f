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

"""The folder of keys, laid out as Keystone's key repositories are.

Files are named by numbers. The highest one is the primary key, which
encrypts. ``0`` is the staged one: the next rotation makes it the primary, so
that every machine has had it for long when it is first used. All decrypt.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import stat
from collections.abc import Iterator

from cryptography import fernet

from gpubroker import errors

STAGED = 0

#: Primary, the one before it, and the staged one: as Keystone keeps them for
#: its credentials.
KEPT = 3

#: For users of the API and owners of leases, who can not mend it.
_WORDS = (
    "User data can not be kept safe at present: the keys for it are not in "
    "order. The log of the service tells its operators more."
)


def wrong(detail: str) -> errors.Misconfigured:
    """:param detail: for the operator: what is wrong and how to mend it."""
    return errors.Misconfigured(_WORDS, detail=detail)


class KeyFiles:
    """:param folder: of ``[encryption] key_repository``."""

    def __init__(self, folder: str) -> None:
        self.folder = pathlib.Path(folder)

    def read(self) -> list[bytes]:
        """The keys, the primary one first.

        :raises Misconfigured: there is none, or not all can be read, or
            others could read them; ``detail`` says what to do.
        """
        with self._said():
            found = self._numbers()
            if not found:
                raise wrong(
                    f"There is no key in {self.folder} ([encryption] "
                    "key_repository). Where nothing is encrypted yet, run "
                    '"gpubroker-manage keys create" as the user of the '
                    "services; else copy the folder from a machine that "
                    "has it."
                )
            _check_mode(self.folder, stat.S_IWOTH, "written", "o-w")
            return [self._read(n) for n in sorted(found, reverse=True)]

    def _read(self, number: int) -> bytes:
        path = self.folder / str(number)
        _check_mode(path, stat.S_IRWXO, "read or written", "o-rwx")
        key = path.read_bytes().strip()
        try:
            fernet.Fernet(key)
        except ValueError:
            raise wrong(
                f"{path} is no Fernet key. Copy it again from a machine "
                "where it is whole."
            ) from None
        return key

    @contextlib.contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise wrong(
                f"{error.filename} does not exist ([encryption] "
                "key_repository). Where nothing is encrypted yet, run "
                '"gpubroker-manage keys create" as the user of the services; '
                "else copy the folder from a machine that has it."
            ) from error
        except OSError as error:
            raise wrong(
                f"{error.filename}: {error.strerror} ([encryption] "
                "key_repository). The user of the services has to be able "
                "to read the folder and every key in it."
            ) from error

    def _numbers(self) -> list[int]:
        """Without what is not a key, such as a half-written file."""
        names = os.listdir(self.folder)
        return sorted(int(n) for n in names if n.isascii() and n.isdigit())

    def rotated_at(self) -> float | None:
        """When they were last made or rotated, in seconds since 1970: each
        time a new key is staged. None: that can not be read."""
        try:
            return (self.folder / str(STAGED)).stat().st_mtime
        except OSError:
            return None

    def create(self) -> bool:
        """The first primary and staged key; harmless to repeat.

        :returns: whether there was none.
        """
        with self._said():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self._numbers()
            if not found:
                self._write(1)
            if STAGED not in found:
                self._write(STAGED)
        return not found

    def rotate(self) -> int:
        """Make the staged key the primary one and stage a new one.

        Whoever calls has made sure that nothing is encrypted by a key older
        than the present primary one.

        :returns: the number of the primary key.
        """
        with self._said():
            found = self._numbers()
            # Killed here the last time: what is missing comes first.
            if STAGED not in found:
                self._write(STAGED)
                return found[-1]
            number = found[-1] + 1
            os.rename(self.folder / str(STAGED), self.folder / str(number))
            self._write(STAGED)
            for old in self._numbers()[1 : 1 - KEPT]:
                (self.folder / str(old)).unlink()
        return number

    def _write(self, number: int) -> None:
        """A new key, whole or not at all, for whom the folder is."""
        partial = self.folder / f".{number}.new"
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
        descriptor = os.open(
            partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600
        )
        with os.fdopen(descriptor, "wb") as file:
            file.write(fernet.Fernet.generate_key())
            if os.geteuid() == 0:
                owner = self.folder.stat()
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            os.fchmod(file.fileno(), 0o640)
            file.flush()
            os.fsync(file.fileno())
        os.rename(partial, self.folder / str(number))


def _check_mode(
    path: pathlib.Path, forbidden: int, words: str, change: str
) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & forbidden:
        raise wrong(
            f"{path} has mode {mode:04o} and can be {words} by everybody on "
            f'this machine. Run "chmod {change} {path}"; where somebody may '
            'have used that, also "gpubroker-manage keys rotate" and "keys '
            'migrate", both twice.'
        )
