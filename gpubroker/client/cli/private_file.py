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

"""Files that hold a secret."""

from __future__ import annotations

import os
import pathlib
import secrets


def write(path: pathlib.Path, text: str) -> None:
    """Write a file that only its owner can read, wholly or not at all.

    It has mode 0600 before it has content, and takes the place of a former
    one in a single step: a reader sees the old text or the new, never half.

    :raises OSError: as the file system has it; nothing is left behind.
    """
    # Beside it, since a rename does not cross file systems.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    handle = os.open(draft, flags, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            # The umask may have taken bits away; it never adds any.
            os.fchmod(stream.fileno(), 0o600)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
