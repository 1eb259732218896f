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

"""What has to be there before the sandbox can run.

Run by the system's own Python, with nothing but its standard library:
checks the machine, installs Debian's packages where it may, makes both
environments, and hands over to ``python -m sandbox``.
"""

import contextlib
import glob
import hashlib
import importlib.util
import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from typing import NoReturn

from sandbox import layout

PYTHON = (3, 11)
UV = "uv==0.13.9"
_POLICY = pathlib.Path("/usr/sbin/policy-rc.d")

# (package of Debian's, a file that it brings)
Package = tuple[str, str]
# Nothing but these is taken from Debian.
PACKAGES: tuple[Package, ...] = (
    ("rabbitmq-server", "/usr/lib/rabbitmq/bin/rabbitmq-server"),
    ("mariadb-server", "/usr/sbin/mariadbd"),
)


def main(arguments: list[str]) -> int:
    """Prepare the machine, then become the sandbox itself."""
    if not {"--down", "--status", "--help", "-h"} & set(arguments):
        prepare(extras=_extras(arguments))
    python = layout.BROKER_ENVIRONMENT / "bin" / "python"
    if not python.exists():
        _refuse("nothing is installed here yet: run make sandbox")
    os.chdir(layout.ROOT)
    sys.stdout.flush()
    os.execv(python, [str(python), "-m", "sandbox", *arguments])


def _extras(arguments: list[str]) -> set[str]:
    """What --with asks for; a wrong name is for the sandbox to refuse."""
    words = " ".join(arguments).replace("--with=", "--with ").split()
    return {
        word
        for option, word in itertools.pairwise(words)
        if option == "--with"
    }


def prepare(
    packages: tuple[Package, ...] = PACKAGES,
    extras: Collection[str] = (),
) -> None:
    """Have everything at hand that the sandbox needs.

    :param packages: what else has to come from Debian goes in here, too.
    :param extras: what is to be started beside the cloud.
    """
    _check_tools()
    _provide_packages(packages)
    _make_environments()
    if "horizon" in extras:
        _make_horizon()


def _refuse(message: str) -> NoReturn:
    print(f"sandbox: {message}", file=sys.stderr)
    sys.exit(2)


# -- the machine --------------------------------------------------------------


def _check_tools() -> None:
    if sys.version_info < PYTHON:
        _refuse(
            f"Python {PYTHON[0]}.{PYTHON[1]} or newer is needed, this is "
            f"{sys.version.split()[0]}; name another with "
            "make sandbox PYTHON=python3.12"
        )
    missing = [tool for tool in ("gcc", "make") if not shutil.which(tool)]
    if missing:
        _refuse(
            f"{' and '.join(missing)} missing: apt-get install build-essential"
        )
    # Debian's gcc comes without the C library's headers.
    tried = subprocess.run(
        ["gcc", "-x", "c", "-fsyntax-only", "-"],
        input="#include <stdio.h>\n",
        capture_output=True,
        text=True,
    )
    if tried.returncode != 0:
        _refuse("gcc finds no C headers: apt-get install libc6-dev")


def missing_packages(packages: tuple[Package, ...] = PACKAGES) -> list[str]:
    """Debian packages that are needed and not installed."""
    missing = [
        name
        for name, file in packages
        if not glob.glob(file) and not shutil.which(file)
    ]
    # Debian's python3 comes without what makes environments.
    if importlib.util.find_spec("ensurepip") is None:
        missing.append("python3-venv")
    return missing


def _provide_packages(packages: tuple[Package, ...]) -> None:
    missing = missing_packages(packages)
    if not missing:
        return
    names = " ".join(missing)
    privilege = _privilege()
    if not shutil.which("apt-get") or privilege is None:
        _refuse(
            f"these packages are missing: {names}\nInstall them as root:\n"
            f"    apt-get install --no-install-recommends {names}\n"
            "and stop what they start, for it is not used:\n"
            "    systemctl disable --now rabbitmq-server mariadb postgresql "
            "prometheus"
        )
    with _step(f"Install {names}"):
        with _nothing_started(privilege):
            _command([*privilege, "apt-get", "update", "-qq"])
            _command(
                [
                    *privilege,
                    "env",
                    "DEBIAN_FRONTEND=noninteractive",
                    "apt-get",
                    "install",
                    "-y",
                    "-qq",
                    "--no-install-recommends",
                    *missing,
                ]
            )
        _disable_units(privilege, missing)


def _privilege() -> list[str] | None:
    """What to put before a command that needs root; None: no way."""
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "-n"]
    if shutil.which("sudo"):
        tried = subprocess.run([*sudo, "true"], capture_output=True)
        if tried.returncode == 0:
            return sudo
    return None


@contextlib.contextmanager
def _nothing_started(privilege: list[str]) -> Iterator[None]:
    """Keep Debian from starting the servers that it installs.

    They would listen on the well-known ports for ever, while the sandbox
    runs its own.  Debian asks policy-rc.d before it starts anything; one
    that an administrator has put there stays as it is.
    """
    ours = not _POLICY.exists()
    if ours:
        _command(
            [
                *privilege,
                "sh",
                "-c",
                f"printf '#!/bin/sh\\nexit 101\\n' > {_POLICY} "
                f"&& chmod 755 {_POLICY}",
            ]
        )
    try:
        yield
    finally:
        if ours:
            _command([*privilege, "rm", "-f", str(_POLICY)])


def _disable_units(privilege: list[str], installed: list[str]) -> None:
    """Nor may they start with the machine's next boot."""
    if not shutil.which("systemctl"):
        return
    units = {
        "rabbitmq-server": "rabbitmq-server",
        "mariadb-server": "mariadb",
        "postgresql": "postgresql",
        "prometheus": "prometheus",
    }
    for package in installed:
        if package in units:
            subprocess.run(
                [*privilege, "systemctl", "disable", units[package]],
                capture_output=True,
            )


# -- the environments ---------------------------------------------------------


def _make_environments() -> None:
    constraints = layout.ROOT / "sandbox" / "constraints.txt"
    cloud = layout.ROOT / "sandbox" / "requirements-cloud.txt"
    environment(
        layout.BROKER_ENVIRONMENT,
        "Install gpubroker and its command line",
        [
            constraints,
            layout.ROOT / "pyproject.toml",
            layout.ROOT / "requirements.txt",
        ],
        [
            "-c",
            str(constraints),
            "-e",
            f"{layout.ROOT}[cli,mysql,nvml]",
            "gunicorn",
            "osc-placement",
        ],
    )
    environment(
        layout.CLOUD_ENVIRONMENT,
        "Install Keystone, Placement, Glance, Neutron and Nova",
        [constraints, cloud],
        ["-c", str(constraints), "-r", str(cloud)],
    )


def _make_horizon() -> None:
    constraints = layout.ROOT / "sandbox" / "constraints.txt"
    wanted = layout.ROOT / "sandbox" / "requirements-horizon.txt"
    environment(
        layout.HORIZON_ENVIRONMENT,
        "Install Horizon",
        [
            constraints,
            wanted,
            layout.ROOT / "pyproject.toml",
            layout.ROOT / "requirements.txt",
            # Compiled when it is installed.
            *sorted(
                (layout.ROOT / "gpubroker/dashboard/locale").rglob("*.po")
            ),
        ],
        ["-c", str(constraints), "-r", str(wanted), "-e", str(layout.ROOT)],
    )


def environment(
    folder: pathlib.Path,
    title: str,
    sources: list[pathlib.Path],
    requirements: list[str],
) -> None:
    """Make an environment, unless it is there and still right."""
    wanted = _digest(sources, requirements)
    made = folder / "sandbox-digest"
    if made.exists() and made.read_text() == wanted:
        return
    with _step(title):
        if not (folder / "bin" / "python").exists():
            _command([sys.executable, "-m", "venv", str(folder)])
        uv = _uv()
        # Compiled here and not by twelve services at once at their start.
        _command(
            [
                uv,
                "pip",
                "install",
                "--quiet",
                "--compile-bytecode",
                "--python",
                str(folder / "bin" / "python"),
                *requirements,
            ]
        )
        made.write_text(wanted)


def _uv() -> str:
    uv = layout.BROKER_ENVIRONMENT / "bin" / "uv"
    if not uv.exists():
        python = str(layout.BROKER_ENVIRONMENT / "bin" / "python")
        _command([python, "-m", "pip", "install", "--quiet", UV])
    return str(uv)


def _digest(sources: list[pathlib.Path], requirements: list[str]) -> str:
    found = hashlib.sha256(sys.version.encode())
    found.update(repr(requirements).encode())
    for source in sources:
        found.update(source.read_bytes())
    return found.hexdigest()


# -- telling ------------------------------------------------------------------


@contextlib.contextmanager
def _step(title: str) -> Iterator[None]:
    live = sys.stdout.isatty()
    if live:
        print(f"  … {title}", end="", flush=True)
    began = time.monotonic()
    yield
    seconds = time.monotonic() - began
    start = "\r\033[K" if live else ""
    print(f"{start}  ✓ {title:<52}{seconds:7.1f} s", flush=True)


def _command(command: list[str]) -> None:
    """Run a command; when it fails, show what it said and end."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=_environment_variables(),
        text=True,
        errors="replace",
    )
    if done.returncode != 0:
        print(f"\n{done.stdout}", file=sys.stderr)
        _refuse(f"failed: {' '.join(command)}")


def _environment_variables() -> dict[str, str]:
    """The person's own, and what pip is told is told to uv as well."""
    found = dict(os.environ)
    pairs = (
        ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
        ("PIP_EXTRA_INDEX_URL", "UV_INDEX"),
        ("PIP_CERT", "SSL_CERT_FILE"),
    )
    for name, other in pairs:
        if name in found:
            found.setdefault(other, found[name])
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
