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

"""Who is who in this cloud: users, roles, services and their addresses."""

import pathlib
from typing import Any

import yaml

from sandbox import databases
from sandbox import layout as layouts
from sandbox import private_files
from sandbox.config import settings as s

BOOTSTRAP = "bootstrap"

# (service, type, path of the endpoint)
SERVICES = (
    ("keystone", "identity", "/v3"),
    ("placement", "placement", ""),
    ("glance", "image", ""),
    ("neutron", "network", ""),
    ("nova", "compute", "/v2.1"),
    ("gpubroker", "gpu-broker", ""),
)

INTERFACES = ("public", "internal", "admin")

# Roles that Keystone's own bootstrap does not make.
ROLES = ("gpubroker", "gpubroker_agent")

# user: (project, roles).  Each service user has the fewest roles that work.
# Neutron tells Nova about changed ports; Nova 34 finds the servers of other
# projects for an admin only, and answers 404 to any other role.
USERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "placement": ("service", ("service",)),
    "glance": ("service", ("service",)),
    "neutron": ("service", ("service", "admin")),
    "nova": ("service", ("service",)),
    "gpubroker": ("service", ("service", "gpubroker")),
    "operator": ("admin", ("admin",)),
    "demo-user": ("demo", ("member",)),
    "other-user": ("other", ("member",)),
}

# Names in clouds.yaml -> the user.
CLOUDS = {
    "sandbox": "demo-user",
    "sandbox-other": "other-user",
    "sandbox-admin": "operator",
}


def bootstrap_command(settings: s.Settings) -> list[str]:
    """Arguments of keystone-manage that make the first user."""
    url = settings.auth_url
    return [
        "bootstrap",
        "--bootstrap-username",
        BOOTSTRAP,
        "--bootstrap-password",
        settings.passwords[BOOTSTRAP],
        "--bootstrap-region-id",
        s.REGION,
        "--bootstrap-public-url",
        url,
        "--bootstrap-internal-url",
        url,
        "--bootstrap-admin-url",
        settings.broker_url("keystone", "/v3"),
    ]


def create(connection: Any, settings: s.Settings) -> None:
    """Make projects, roles, users, services and endpoints.

    :param connection: an openstacksdk connection of the bootstrap user.
    """
    identity = connection.identity
    roles = {role.name: role for role in identity.roles()}
    for name in ROLES:
        roles[name] = identity.create_role(name=name)
    projects = {project.name: project for project in identity.projects()}
    for name in ("service", "demo", "other"):
        projects[name] = identity.create_project(
            name=name, domain_id="default"
        )
    for name, (project, role_names) in USERS.items():
        user = identity.create_user(
            name=name,
            password=settings.passwords[name],
            domain_id="default",
            default_project_id=projects[project].id,
        )
        for role in role_names:
            identity.assign_project_role_to_user(
                projects[project], user, roles[role]
            )
    for name, kind, path in SERVICES[1:]:
        service = identity.create_service(name=name, type=kind)
        for interface in INTERFACES:
            identity.create_endpoint(
                service_id=service.id,
                interface=interface,
                region_id=s.REGION,
                url=_endpoint(settings, interface, name, path),
            )


def _endpoint(
    settings: s.Settings, interface: str, name: str, path: str
) -> str:
    if interface == "admin" and name != "gpubroker":
        return settings.broker_url(name, path)
    return settings.ports.url(name, path)


def retire_bootstrap(connection: Any) -> None:
    """Disable the first user: nothing may go on using it after set-up.

    :param connection: an openstacksdk connection of the operator.
    """
    user = connection.identity.find_user(BOOTSTRAP, ignore_missing=False)
    connection.identity.update_user(user, is_enabled=False)


def move_endpoints(settings: s.Settings) -> None:
    """Let the catalogue tell today's ports.

    A snapshot knows those of the day it was taken; they may be in use by
    another program now.  Written to Keystone's table, as there is no token
    before the services can be found.
    """
    connection = databases.connect(
        "keystone", settings.ports, settings.passwords
    )
    with connection, connection.cursor() as cursor:
        for name, kind, path in SERVICES:
            for interface in INTERFACES:
                cursor.execute(
                    "UPDATE endpoint JOIN service"
                    " ON endpoint.service_id = service.id"
                    " SET endpoint.url = %s"
                    " WHERE service.type = %s AND endpoint.interface = %s",
                    (
                        _endpoint(settings, interface, name, path),
                        kind,
                        interface,
                    ),
                )


def write_clouds(settings: s.Settings) -> pathlib.Path:
    """Write clouds.yaml, for its owner alone."""
    clouds = {}
    for name, user in CLOUDS.items():
        clouds[name] = {
            "auth": {
                "auth_url": settings.auth_url,
                "username": user,
                "password": settings.passwords[user],
                "project_name": USERS[user][0],
                "user_domain_id": "default",
                "project_domain_id": "default",
            },
            "region_name": s.REGION,
            "identity_api_version": 3,
        }
    path = settings.layout.clouds
    private_files.write(
        path, yaml.safe_dump({"clouds": clouds}, sort_keys=False)
    )
    return path


def connect_as(settings: s.Settings, user: str, project: str) -> Any:
    """An openstacksdk connection of any user that this sandbox made."""
    import keystoneauth1.identity
    import keystoneauth1.session
    import openstack.connection

    auth = keystoneauth1.identity.V3Password(
        settings.auth_url,
        username=user,
        password=settings.passwords[user],
        project_name=project,
        user_domain_id="default",
        project_domain_id="default",
    )
    return openstack.connection.Connection(
        session=keystoneauth1.session.Session(auth=auth),
        region_name=s.REGION,
    )


def connect(layout: layouts.Layout, cloud: str) -> Any:
    """An openstacksdk connection of an entry in clouds.yaml."""
    import openstack.config.loader
    import openstack.connection

    loader = openstack.config.loader.OpenStackConfig(
        config_files=[str(layout.clouds)],
        secure_files=[],
        vendor_files=[],
        load_envvars=False,
    )
    return openstack.connection.Connection(config=loader.get_one(cloud=cloud))
