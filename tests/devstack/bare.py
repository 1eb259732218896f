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

"""The small cloud as DevStack has one before it comes to the plugins."""

from __future__ import annotations

from typing import Any

from sandbox import cloud as clouds
from sandbox import gpubroker
from sandbox import hardware
from sandbox import services

#: Nova's, which run from DevStack's files instead.
_NOVA = ("nova", "nova-scheduler")


def make(cloud: clouds.Cloud, password: str) -> None:
    """Take gpubroker and the GPU hosts out, and put DevStack's people in.

    :param password: of the users ``admin`` and ``demo``.
    """
    operator = cloud.connection("sandbox-admin")
    for host in hardware.HOSTS:
        cloud.stop(services.compute_name(host.name))
    for name in gpubroker.catalogue(cloud.settings):
        cloud.stop(name)
    _forget_hosts(operator)
    _forget_broker(operator.identity)
    _add_people(operator.identity, password)
    for name in _NOVA:
        cloud.stop(name)


def _forget_hosts(operator: Any) -> None:
    for service in operator.compute.services(binary="nova-compute"):
        operator.compute.delete_service(service)
    # Nova keeps a tree in which somebody else has put a provider.
    forget_providers(operator)


def forget_providers(operator: Any) -> None:
    """stack.sh makes Placement's database anew each time."""
    placement = operator.placement
    placement.default_microversion = "1.39"
    providers = list(placement.resource_providers())
    while providers:
        parents = {p.parent_provider_id for p in providers}
        for leaf in [p for p in providers if p.id not in parents]:
            placement.delete_resource_provider(leaf)
            providers.remove(leaf)


def _forget_broker(identity: Any) -> None:
    for service in identity.services(type="gpu-broker"):
        identity.delete_service(service)
    for user in identity.users():
        if user.name.startswith("gpubroker"):
            identity.delete_user(user)
    for role in identity.roles():
        if role.name.startswith("gpubroker"):
            identity.delete_role(role)


def _add_people(identity: Any, password: str) -> None:
    """Those of DevStack's clouds.yaml that the plugin and the test use."""
    roles = {role.name: role for role in identity.roles()}
    projects = {project.name: project for project in identity.projects()}
    for name, project, role in (
        ("admin", "admin", "admin"),
        ("demo", "demo", "member"),
    ):
        user = identity.find_user(name)
        if user is None:
            user = identity.create_user(
                name=name, password=password, domain_id="default"
            )
        identity.assign_project_role_to_user(
            projects[project], user, roles[role]
        )
        if name == "admin":
            identity.assign_system_role_to_user(user, roles[role], "all")
