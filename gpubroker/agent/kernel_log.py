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


"""Follows the kernel log: /dev/kmsg, or a file of records in its format.

The format is that of the kernel's ABI/testing/dev-kmsg: one record a line,
``priority,sequence,microseconds,flags;text``, and lines that begin with a
space belong to the record before them.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

# More than the longest record, which the kernel refuses to hand out in parts.
_READ_BYTES = 16384

# A full ring of the usual size has fewer records; the rest comes next time.
_MOST_READS = 100_000


@dataclass(frozen=True, slots=True)
class Record:
    """:param sequence: counts up from 0 at boot, never used twice.
    :param microseconds: since boot.
    """

    sequence: int
    microseconds: int
    text: str


class KernelLog:
    """The log from its oldest record on; survives everything but reading
    being forbidden, and tells even that."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None
        self._regular = False
        self._partial = b""
        self.problem: str | None = None
        self.overruns = 0

    def fileno(self) -> int | None:
        """What to poll for new records; None for a plain file, which always
        says that it is ready."""
        return None if self._regular else self._file

    def read(self) -> list[Record]:
        """The records since the last call; none while it is unreadable."""
        if self._file is None and not self._open():
            return []
        records = list(self._records())
        if self._rotated():
            self.close()
            if self._open():
                records.extend(self._records())
        return records

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
        self._file = None
        self._partial = b""

    def _open(self) -> bool:
        try:
            self._file = os.open(
                self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
            )
            self._regular = stat.S_ISREG(os.fstat(self._file).st_mode)
        except OSError as error:
            self.problem = f"{self._path}: {error.strerror}"
            return False
        self.problem = None
        return True

    def _records(self) -> Iterator[Record]:
        for chunk in self._chunks():
            lines = (self._partial + chunk).split(b"\n")
            self._partial = lines.pop()[-_READ_BYTES:]
            for line in lines:
                record = parse(line)
                if record is not None:
                    yield record

    def _chunks(self) -> Iterator[bytes]:
        for _count in range(_MOST_READS):
            if self._file is None:
                return
            try:
                chunk = self._next_chunk(self._file)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno == errno.EPIPE:
                    # Records were overwritten before they were read; the
                    # next read begins at the oldest that is left.
                    self.overruns += 1
                    continue
                self.problem = f"{self._path}: {error.strerror}"
                self.close()
                return
            if not chunk:
                return
            yield chunk

    def _next_chunk(self, file: int) -> bytes:
        return os.read(file, _READ_BYTES)

    def _rotated(self) -> bool:
        if self._file is None or not self._regular:
            return False
        try:
            there = os.stat(self._path)
        except OSError:
            # Between two files; the old one is complete until then.
            return False
        here = os.fstat(self._file)
        if (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino):
            return True
        return here.st_size < os.lseek(self._file, 0, os.SEEK_CUR)


def parse(line: bytes) -> Record | None:
    """One line; None for the second part of a record and for damage."""
    head, separator, text = line.partition(b";")
    fields = head.split(b",")
    if not separator or len(fields) < 4:
        return None
    try:
        return Record(
            sequence=int(fields[1]),
            microseconds=int(fields[2]),
            text=text.decode("utf-8", "replace"),
        )
    except ValueError:
        return None
