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

"""Where everything of one sandbox lies."""

import pathlib
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEFAULT_STATE = ROOT / ".sandbox"
BROKER_ENVIRONMENT = ROOT / ".venv"
CLOUD_ENVIRONMENT = ROOT / ".venv-cloud"
HORIZON_ENVIRONMENT = ROOT / ".venv-horizon"


@dataclass(frozen=True)
class Layout:
    """The paths of one sandbox; two with different folders never meet."""

    state: pathlib.Path

    @classmethod
    def at(cls, state: pathlib.Path) -> "Layout":
        """The layout of the sandbox in a folder, made absolute."""
        return cls(state.expanduser().absolute())

    @property
    def config(self) -> pathlib.Path:
        return self.state / "config"

    @property
    def data(self) -> pathlib.Path:
        """What the services write: thrown away at every start."""
        return self.state / "data"

    @property
    def snapshot(self) -> pathlib.Path:
        """``data`` as it was when the cloud had just been set up."""
        return self.state / "snapshot"

    @property
    def run(self) -> pathlib.Path:
        return self.state / "run"

    @property
    def log(self) -> pathlib.Path:
        return self.state / "log"

    @property
    def keys(self) -> pathlib.Path:
        return self.state / "keys"

    @property
    def lock(self) -> pathlib.Path:
        return self.state / "lock"

    @property
    def kept(self) -> pathlib.Path:
        """There while a cloud runs that was left running on purpose."""
        return self.state / "kept"

    @property
    def faults(self) -> pathlib.Path:
        """There when the broker's calls can be made to go wrong."""
        return self.state / "faults"

    @property
    def extras(self) -> pathlib.Path:
        """Names of what runs beside the cloud because it was asked for."""
        return self.state / "extras.json"

    @property
    def horizon(self) -> pathlib.Path:
        """Horizon's static files: made once, kept over starts."""
        return self.state / "horizon"

    @property
    def ports(self) -> pathlib.Path:
        return self.state / "ports.json"

    @property
    def passwords(self) -> pathlib.Path:
        return self.state / "passwords.json"

    @property
    def clouds(self) -> pathlib.Path:
        return self.state / "clouds.yaml"

    def host(self, name: str) -> pathlib.Path:
        """The folder of one simulated GPU host."""
        return self.data / "hosts" / name

    def log_of(self, service: str) -> pathlib.Path:
        return self.log / f"{service}.log"

    def make(self) -> None:
        """Make the folders, for their owner alone: they hold passwords."""
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (self.config, self.data, self.run, self.log, self.keys):
            folder.mkdir(exist_ok=True, mode=0o700)


def cloud_program(name: str) -> str:
    """The path of a program of the cloud's own environment."""
    return str(CLOUD_ENVIRONMENT / "bin" / name)


def horizon_program(name: str) -> str:
    """The path of a program of Horizon's own environment."""
    return str(HORIZON_ENVIRONMENT / "bin" / name)


def broker_program(name: str) -> str:
    """The path of a program of the environment that holds gpubroker."""
    return str(BROKER_ENVIRONMENT / "bin" / name)
