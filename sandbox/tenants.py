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

"""What the projects of this cloud have before the first order."""

from typing import Any

from sandbox import layout as layouts
from sandbox import private_files

IMAGE = "ubuntu"
KEY_PAIR = "demo-key"
CPU_FLAVOR = "cpu.small"

# project: (cloud of one of its members, network, addresses)
NETWORKS = {
    "demo": ("sandbox", "demo-net", "10.20.0.0/24"),
    "other": ("sandbox-other", "other-net", "10.30.0.0/24"),
}

# Nova's defaults of 20 cores and 50 GiB are less than one GPU server; these
# leave room for about four of the biggest.
QUOTA = {"instances": 10, "cores": 512, "ram": 4 * 1024 * 1024}


def create_for_all(operator: Any) -> None:
    """Make what every project sees, and the projects' quotas.

    :param operator: an openstacksdk connection.
    """
    # No hypervisor here ever boots it: the name is for the commands that
    # people type.
    operator.image.create_image(
        name=IMAGE,
        data=b"\0" * 1024,
        disk_format="raw",
        container_format="bare",
        visibility="public",
        os_distro="ubuntu",
        wait=True,
    )
    operator.compute.create_flavor(
        name=CPU_FLAVOR, vcpus=2, ram=4096, disk=10, is_public=True
    )
    for project in NETWORKS:
        set_quota(operator, project, **QUOTA)


def set_quota(operator: Any, project: str, **limits: int) -> None:
    """Set limits of a project in Nova, such as ``instances`` or ``cores``."""
    found = operator.identity.find_project(project, ignore_missing=False)
    # Also below what is in use: that is what tests ask for.
    operator.compute.update_quota_set(found.id, force=True, **limits)


def create_network(member: Any, name: str, addresses: str) -> None:
    """Make a network with one subnet.

    :param member: an openstacksdk connection of a member of the project.
    """
    network = member.network.create_network(name=name)
    member.network.create_subnet(
        name=name, network_id=network.id, ip_version=4, cidr=addresses
    )


def create_key_pair(layout: layouts.Layout, member: Any) -> None:
    """Make a key, keep its private half and give Nova the public one."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    key = ed25519.Ed25519PrivateKey.generate()
    private_files.write(
        layout.keys / KEY_PAIR,
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        ).decode(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    member.compute.create_keypair(
        name=KEY_PAIR, public_key=f"{public.decode()} demo"
    )


def workload(member: Any) -> dict[str, Any]:
    """An order of a server, as a member of project demo would write it.

    :param member: an openstacksdk connection of theirs.
    """
    network = member.network.find_network("demo-net", ignore_missing=False)
    image = member.image.find_image(IMAGE, ignore_missing=False)
    return {
        "type": "server",
        "image": image.id,
        "networks": [{"network": network.id}],
        "key_name": KEY_PAIR,
    }
