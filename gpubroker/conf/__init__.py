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

"""Options of gpubroker, one module a group.

Each module has ``GROUP``, ``OPTS`` and ``register(conf)``. Nothing here holds
a global: the commands make a ``ConfigOpts`` and pass it on.
"""

from __future__ import annotations

import importlib
import pathlib
import pkgutil
from typing import Any

from oslo_config import cfg
from oslo_log import log


def _groups() -> list[Any]:
    here = str(pathlib.Path(__file__).parent)
    return [
        importlib.import_module(f"{__name__}.{module.name}")
        for module in sorted(
            pkgutil.iter_modules([here]), key=lambda m: m.name
        )
    ]


def new() -> cfg.ConfigOpts:
    """A configuration with every option of gpubroker and oslo.log known."""
    conf = cfg.ConfigOpts()
    log.register_options(conf)
    for group in _groups():
        group.register(conf)
    return conf


def load(
    args: list[str] | None = None, files: list[str] | None = None
) -> cfg.ConfigOpts:
    """Read the command line and the configuration files."""
    conf = new()
    conf(
        args if args is not None else [],
        project="gpubroker",
        default_config_files=files,
    )
    return conf


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """For oslo-config-generator."""
    return [(group.GROUP, list(group.OPTS)) for group in _groups()]
