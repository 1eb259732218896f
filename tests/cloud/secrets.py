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

"""No token and no secret may stand in a log, at whatever level.

``python -m tests.cloud.secrets STATE ...`` looks through the logs of
gpubroker's programs in sandboxes for everything that is secret there; exits 1
when it finds any. The cloud tests log at debug level and end with it.
"""

from __future__ import annotations

import base64
import configparser
import json
import pathlib
import re
import sys
from collections.abc import Iterator

from sandbox import layout as layouts

#: In the user data of some orders of the tests, as it is and in base64.
USER_DATA = "gpubroker-test-user-data-0c5e8f"

#: Who has to have talked at debug level.
_TALK = {"gpubroker-api", "gpubroker-worker"}

#: A Fernet token of Keystone: version byte 0x80 and a 64 bit time, in base64
#: (https://github.com/fernet/spec).
_TOKEN = re.compile(r"gAAAAA[A-Za-z0-9_-]{60,}")

#: What services answer and only the user may know: the password that Nova
#: makes for a server's administrator, and the way to its console.
_ANSWERS = {
    "a password of a server": re.compile(r"adminPass"),
    "the address of a console": re.compile(r"[?&]token(=|%3D)", re.I),
}


def known(layout: layouts.Layout) -> dict[str, str]:
    """What it is -> the secret."""
    found = {
        f"password of {name}": value
        for name, value in json.loads(layout.passwords.read_text()).items()
    }
    for path in layout.data.glob("hosts/*/agent-identity.conf"):
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(path)
        for section in parser.sections():
            for option, value in parser[section].items():
                if "secret" in option or "password" in option:
                    found[f"{option} of {path.parent.name}"] = value
    for path in (layout.data / "gpubroker-keys").iterdir():
        found[f"key {path.name} of user data"] = path.read_text().strip()
    found["user data"] = USER_DATA
    found["user data in base64"] = encoded()
    return found


def encoded() -> str:
    """The user data as an order has it."""
    return base64.b64encode(USER_DATA.encode()).decode()


def leaks(layout: layouts.Layout) -> Iterator[str]:
    """One line for each line of a log that tells too much."""
    secrets = known(layout)
    for path in sorted(layout.log.glob("gpubroker-*.log")):
        with path.open(errors="replace") as log:
            for number, line in enumerate(log, 1):
                for what in _in(line, secrets):
                    yield f"{path.name}:{number}: {what}"


def _in(line: str, secrets: dict[str, str]) -> Iterator[str]:
    if _TOKEN.search(line):
        yield "a token"
    for what, words in _ANSWERS.items():
        if words.search(line):
            yield what
    for what, secret in secrets.items():
        if secret in line:
            yield what


def main(argv: list[str] | None = None) -> int:
    states = sys.argv[1:] if argv is None else argv
    return max([_told(pathlib.Path(state)) for state in states])


def _told(state: pathlib.Path) -> int:
    """Say what is found in one sandbox; 1 when that is bad."""
    layout = layouts.Layout.at(state)
    logs = list(layout.log.glob("gpubroker-*.log"))
    debug = {path.stem for path in logs if _talks(path)}
    found = list(leaks(layout))
    print(
        f"secrets: {len(found)} in {len(logs)} logs of {state.name}, "
        f"{len(debug)} with debug"
    )
    print("".join(f"  {line}\n" for line in found[:50]), end="")
    # To find nothing where nothing was written down would be no wonder.
    return 1 if found or not _TALK <= debug else 0


def _talks(path: pathlib.Path) -> bool:
    with path.open(errors="replace") as log:
        return any(" DEBUG " in line for line in log)


if __name__ == "__main__":
    sys.exit(main())
