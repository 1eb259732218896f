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

"""Images that leases will be started from.

The broker makes none, so that none is ever left. A server that runs needs its
image no more.
"""

from __future__ import annotations

from collections.abc import Iterator

from gpubroker.audit import findings
from gpubroker.audit.checks.view import View
from gpubroker.audit.findings import Finding
from gpubroker.audit.snapshot import Image
from gpubroker.audit.snapshot import Lease


def check(view: View) -> Iterator[Finding]:
    for lease in view.seen.leases:
        image_id = lease.image or ""
        if lease.needs_image and image_id in view.seen.images:
            wrong = _wrong(lease, view.seen.images[image_id])
            if wrong:
                yield _gone(lease, wrong)


def _wrong(lease: Lease, image: Image | None) -> str:
    """What it is that the project can not make a server of it."""
    if image is None:
        return "is gone"
    if image.status != "active":
        return f"is {image.status}"
    if not _visible(image, lease.project_id):
        return f"is not visible to project {lease.project_id} any more"
    return ""


def _visible(image: Image, project_id: str) -> bool:
    """As Glance decides it (``glance.db.utils.is_image_visible``): of one
    that is shared it does not matter whether the project has accepted it."""
    if image.owner is None or image.visibility in ("public", "community"):
        return True
    shared = image.visibility == "shared" and project_id in image.members
    return shared or image.owner == project_id


def _gone(lease: Lease, wrong: str) -> Finding:
    does = "waits" if lease.state == "queued" else "starts"
    return findings.warning(
        "lease-image-gone",
        (lease.id, lease.image or "", wrong),
        f"Lease {lease.name} ({lease.id}) {does}, and its image {lease.image} "
        f"{wrong}: no server can be made of it.",
        "Ask its user to put the image back, or to order again with another "
        f"one: openstack image show {lease.image}",
    )
