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

"""Horizon with gpubroker's panels, where it was asked for."""

import hashlib
import os
import pathlib
import subprocess
from collections.abc import Iterable

from sandbox import identity
from sandbox import layout as layouts
from sandbox import private_files
from sandbox import processes
from sandbox import services
from sandbox.config import horizon as config
from sandbox.config import settings as s

NAME = "horizon"

# Who may sign in, as the guide lists them.
LOGINS = ("demo-user", "other-user", "operator")

# What the static files are made of, apart from Horizon's own.
_SOURCES = (
    "gpubroker/dashboard/content",
    "gpubroker/dashboard/enabled",
    "gpubroker/dashboard/static",
    "gpubroker/dashboard/templates",
    "sandbox/config",
    "sandbox/horizon_theme",
)

# What Horizon has in memory from its start on; it looks for nothing newer.
_CODE = ("gpubroker/client", "gpubroker/dashboard", "sandbox/config")

# Horizon comes without what Django makes of its translations.
_MESSAGES = """\
import os
import sys
from babel.messages import mofile, pofile
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        found = pofile.read_po(file)
    made = path.removesuffix("po") + "mo"
    with open(made + ".part", "wb") as file:
        mofile.write_mo(file, found)
    os.replace(made + ".part", made)
"""

_SHEET = """\
import sys
import django
django.setup()
from django.contrib.staticfiles import finders
from horizon import themes
from horizon.utils import scss_filter
themes._local.theme = sys.argv[1]
path = finders.find("dashboard/scss/themes.scss")
made = scss_filter.ScssFilter(open(path).read(), filename=path)
sys.stdout.write(made.input())
"""


def catalogue(settings: s.Settings) -> dict[str, services.Service]:
    """The one program, or none."""
    if NAME not in settings.extras:
        return {}
    login = url(settings, "/auth/login/")
    program = processes.Program(
        name=NAME,
        command=(layouts.horizon_program("gunicorn"),),
        environment=config.environment(settings),
        directory=settings.layout.config / "horizon",
        stop_seconds=5,
    )
    return {
        NAME: services.Service(
            program, lambda: services.answers_http(login), "Horizon"
        )
    }


def url(settings: s.Settings, path: str = "/") -> str:
    return settings.ports.url("horizon", path)


def prepare(settings: s.Settings, runner: processes.Processes) -> None:
    """Make what Horizon and browsers load, unless it is there already."""
    compile_messages(runner)
    digest = _digest()
    made = settings.layout.horizon / "made.json"
    if private_files.read_json(made) == digest:
        return
    made.unlink(missing_ok=True)
    for words in (("collectstatic", "--noinput"), ("compress", "--force")):
        runner.run(
            processes.Program(
                f"horizon-{words[0]}",
                (layouts.horizon_program("python"), "-m", "django", *words),
                environment=config.environment(settings),
            )
        )
    private_files.write_json(made, digest)


def compile_messages(runner: processes.Processes) -> None:
    """Horizon's own translations, for the languages that the panels have.

    Or what is around the panels stays English where they are not.
    """
    missing = [
        str(path)
        for path in _translations()
        if not path.with_suffix(".mo").exists()
    ]
    if missing:
        python = layouts.horizon_program("python")
        runner.run(
            processes.Program(
                "horizon-messages", (python, "-c", _MESSAGES, *missing)
            )
        )


def _translations() -> Iterable[pathlib.Path]:
    ours = layouts.ROOT / "gpubroker" / "dashboard" / "locale"
    packages = layouts.HORIZON_ENVIRONMENT / "lib"
    for language in sorted(path.parts[-3] for path in ours.glob("*/*/*.po")):
        for package in ("horizon", "openstack_auth", "openstack_dashboard"):
            yield from sorted(
                packages.glob(
                    f"python3*/site-packages/{package}/locale/{language}"
                    "/LC_MESSAGES/*.po"
                )
            )


def remember_code(settings: s.Settings) -> None:
    """Note what Horizon is started with; before it is."""
    private_files.write_json(_started(settings), _code())


def renew(settings: s.Settings, runner: processes.Processes) -> bool:
    """Start Horizon again when it has not read the code as it is now.

    :returns: whether that was needed.
    """
    known = catalogue(settings).get(NAME)
    if not known or private_files.read_json(_started(settings)) == _code():
        return False
    prepare(settings, runner)
    runner.stop([NAME])
    remember_code(settings)
    runner.start(known.program)
    runner.wait(NAME, known.ready)
    return True


def _started(settings: s.Settings) -> pathlib.Path:
    return settings.layout.horizon / "started.json"


def sheet(settings: s.Settings, theme: str) -> str:
    """What Horizon's own filter makes of a theme, for browsers."""
    done = subprocess.run(
        [layouts.horizon_program("python"), "-c", _SHEET, theme],
        env={**os.environ, **config.environment(settings)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def guide(settings: s.Settings) -> str:
    """How to sign in; empty where there is no Horizon."""
    if NAME not in settings.extras:
        return ""
    lines = [f"Horizon       {url(settings)}"]
    for user in LOGINS:
        project = identity.USERS[user][0]
        lines.append(
            f"              {user} of project {project}, password "
            f"{settings.passwords[user]}"
        )
    return "\n".join(lines) + "\n"


def _digest() -> str:
    return _read(_SOURCES, (".scss", ".css", ".js", ".html", ".py"))


def _code() -> str:
    return _read(_CODE, (".html", ".py", ".mo", ".yaml"))


def _read(folders: Iterable[str], endings: tuple[str, ...]) -> str:
    """What is in the files, and in Horizon's environment."""
    found = hashlib.sha256()
    found.update((layouts.HORIZON_ENVIRONMENT / "sandbox-digest").read_bytes())
    for folder in folders:
        for path in sorted((layouts.ROOT / folder).rglob("*")):
            if path.suffix in endings:
                found.update(str(path).encode() + path.read_bytes())
    return found.hexdigest()
