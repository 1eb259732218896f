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


"""``application``: the API, for gunicorn, uWSGI or mod_wsgi.

Configuration files are named by ``OS_GPUBROKER_CONFIG_FILES`` (or
``GPUBROKER_CONFIG_FILES``), several with colons between them; without it
/etc/gpubroker/gpubroker.conf is read.
"""

from __future__ import annotations

import atexit
import logging
import os
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg
from oslo_log import log

from gpubroker import clock as system_clock
from gpubroker import clouds
from gpubroker import conf as configuration
from gpubroker import errors
from gpubroker.api import app
from gpubroker.conf import worker
from gpubroker.db import store as db_store
from gpubroker.metrics import exports
from gpubroker.rpc import bell
from gpubroker.rpc import ping
from gpubroker.services import broker
from gpubroker.services import ports

LOG = logging.getLogger(__name__)

DEFAULT_FILE = "/etc/gpubroker/gpubroker.conf"

_VARIABLES = ("OS_GPUBROKER_CONFIG_FILES", "GPUBROKER_CONFIG_FILES")


def config_files(environ: Mapping[str, str]) -> list[str]:
    """The files that the environment names, else the default one."""
    for variable in _VARIABLES:
        found = [p for p in environ.get(variable, "").split(":") if p]
        if found:
            return found
    return [DEFAULT_FILE]


def build(conf: cfg.ConfigOpts) -> Any:
    """Put the API together; connects to nothing yet."""
    clock = system_clock.SystemClock()
    exported = exports.api(conf)
    meter: ports.Meter = exported.meter if exported else ports.Uncounted()
    store = db_store.Store(conf, clock, meter)
    outside = clouds.build(conf, clock, meter)
    core = broker.Broker(
        store=store,
        clock=clock,
        bell=bell.build(conf),
        ledger=outside.ledger,
        compute=outside.compute,
        identity=outside.identity,
        settings=worker.settings(conf),
        meter=meter,
    )
    checks = {
        "database": store.ping,
        "messaging": ping.Ping(conf).check,
    }
    built = app.build(conf, core, checks, atexit.register)
    return exported(built) if exported else built


def _application() -> Any:
    conf = configuration.load([], files=config_files(os.environ))
    log.setup(conf, "gpubroker")
    try:
        db_store.Store(conf, system_clock.SystemClock()).keys.read()
    except errors.Misconfigured as error:
        detail = error.fields["detail"]
        LOG.critical("%s", detail)
        # The web server shows the words of what it could not load.
        raise errors.Misconfigured(detail) from error
    return build(conf)


application = _application()
