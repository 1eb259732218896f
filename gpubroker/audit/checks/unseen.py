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

"""What could not be looked at, so that nothing is said about it."""

from __future__ import annotations

from collections.abc import Iterator

from gpubroker.audit import findings
from gpubroker.audit.checks.view import View
from gpubroker.audit.checks.view import listed
from gpubroker.audit.findings import Finding


def check(view: View) -> Iterator[Finding]:
    if view.cell_down:
        yield findings.unseen(_cell(view))
    if view.seen.images_unread:
        yield findings.unseen(_images(view.seen.images_unread))


def _cell(view: View) -> Finding:
    hosts = {one.host for one in view.seen.services if one.hidden}
    servers = sum(one.hidden for one in view.seen.servers.values())
    things = [f"host {name}" for name in sorted(hosts)]
    if servers:
        things.append(f"{servers} server{'' if servers == 1 else 's'}")
    return findings.warning(
        "cell-down",
        ("nova",),
        f"A cell of Nova is down, and Nova tells nothing of {listed(things)} "
        "but that they are there: they are not judged, nor are moves of "
        "servers.",
        "Look at the database and the message bus of the cell "
        "(nova-manage cell_v2 list_cells), and look again when it is up.",
    )


def _images(why: str) -> Finding:
    return findings.warning(
        "images-unread",
        ("glance",),
        "Whether the images of leases that wait are there could not be seen. "
        f"{why.rstrip('.')}.",
        "Without Glance no lease can start. Look at it, and look again.",
    )
