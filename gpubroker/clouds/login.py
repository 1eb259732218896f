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

"""The user to log in as, as far as an image tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: ``os_distro`` of an image (libosinfo's names, as Glance documents) -> user
#: that its cloud image makes. From cloud-init's config/cloud.cfg.tmpl and
#: OpenStack's image guide ("Get images"); only where one name is right for
#: every release.
_OF_DISTRO = {
    "almalinux": "almalinux",
    "alpine": "alpine",
    "arch": "arch",
    "cirros": "cirros",
    "debian": "debian",
    "fedora": "fedora",
    "opensuse": "opensuse",
    "rhel": "cloud-user",
    "rocky": "rocky",
    "ubuntu": "ubuntu",
}

#: CentOS has changed it: the guide names the one of 7, cloud-init the one
#: since its change of default, which the images of 9 and later came with.
_OF_CENTOS = {"7": "centos", "9": "cloud-user", "10": "cloud-user"}

#: What may stand in a command that people copy: the portable names of POSIX.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}")


def user(image: Mapping[str, Any]) -> str | None:
    """``None`` where the image does not say enough.

    :param image: as Glance shows it, its properties at the top level.
    """
    named = str(image.get("os_admin_user") or "")
    if named:
        return named if _NAME.fullmatch(named) else None
    distro = str(image.get("os_distro") or "").lower()
    if distro == "centos":
        release = re.match(r"\d*", str(image.get("os_version") or ""))
        return _OF_CENTOS.get(release[0]) if release else None
    return _OF_DISTRO.get(distro)
