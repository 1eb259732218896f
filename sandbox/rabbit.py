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

"""The cloud's RabbitMQ: one node and a port mapper of its own."""

import pathlib
import shutil

from sandbox import errors
from sandbox import layout as layouts
from sandbox import passwords as secrets
from sandbox import ports as tcp
from sandbox import private_files
from sandbox import processes

# Not /usr/sbin/rabbitmq-server: Debian's wrapper insists on its own user.
SERVER = pathlib.Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


def url(ports: tcp.Ports, passwords: secrets.Passwords) -> str:
    """The transport URL of oslo.messaging."""
    return (
        f"rabbit://sandbox:{passwords['messaging']}"
        f"@{tcp.HOST}:{ports.rabbitmq}//"
    )


def port_mapper(ports: tcp.Ports) -> processes.Program:
    """Erlang's port mapper; without one here the node starts its own,
    which listens everywhere and stays when the node ends."""
    epmd = shutil.which("epmd")
    if epmd is None:
        raise errors.SandboxError(
            "epmd is missing: install the package rabbitmq-server"
        )
    return processes.Program(
        name="epmd",
        command=(epmd, "-address", tcp.HOST, "-port", str(ports.epmd)),
        stop_seconds=2,
    )


def write(
    layout: layouts.Layout, ports: tcp.Ports, passwords: secrets.Passwords
) -> None:
    """Write the node's configuration."""
    config = layout.config / "rabbitmq"
    private_files.write(
        config / "rabbitmq.conf",
        f"listeners.tcp.1 = {tcp.HOST}:{ports.rabbitmq}\n"
        "default_user = sandbox\n"
        f"default_pass = {passwords['messaging']}\n"
        "log.file = false\n"
        "log.console = true\n"
        "log.console.level = warning\n"
        "vm_memory_high_watermark.absolute = 1GB\n"
        # Under this RabbitMQ silently stops to take messages.
        "disk_free_limit.absolute = 50MB\n",
    )
    private_files.write(config / "enabled_plugins", "[].\n")
    (layout.data / "rabbitmq").mkdir(exist_ok=True)


def node(layout: layouts.Layout, ports: tcp.Ports) -> processes.Program:
    """The RabbitMQ node, its files in the sandbox's folder."""
    if not SERVER.exists():
        raise errors.SandboxError(
            "RabbitMQ is missing: install the package rabbitmq-server"
        )
    config = layout.config / "rabbitmq"
    data = layout.data / "rabbitmq"
    environment = {
        "RABBITMQ_NODENAME": "sandbox@localhost",
        "RABBITMQ_MNESIA_BASE": str(data / "mnesia"),
        "RABBITMQ_LOG_BASE": str(data / "log"),
        "RABBITMQ_CONFIG_FILE": str(config / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(config / "enabled_plugins"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_PID_FILE": str(data / "pid"),
        "RABBITMQ_DIST_PORT": str(ports.rabbitmq_nodes),
        "ERL_EPMD_PORT": str(ports.epmd),
        "ERL_EPMD_ADDRESS": tcp.HOST,
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "-kernel inet_dist_use_interface {127,0,0,1}"
            # Two schedulers that sleep when there is nothing to do.
            " +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"
        ),
        # Erlang keeps its cookie there.
        "HOME": str(data),
    }
    return processes.Program(
        name="rabbitmq",
        command=(str(SERVER),),
        environment=environment,
        stop_seconds=8,
    )


def has_queue(
    ports: tcp.Ports, passwords: secrets.Passwords, name: str
) -> bool:
    """Whether somebody has made the queue: a server that listens on it."""
    # Imported here: who only writes the configuration does not need it.
    import amqp

    connection = amqp.Connection(
        host=f"{tcp.HOST}:{ports.rabbitmq}",
        userid="sandbox",
        password=passwords["messaging"],
    )
    try:
        with connection:
            connection.channel().queue_declare(name, passive=True)
    except (amqp.exceptions.NotFound, OSError):
        return False
    return True
