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

"""``gpubroker-worker``: plans, starts, ends, reconciles; any number of it."""

from __future__ import annotations

import warnings

from oslo_service import backend

# Before anything that imports oslo.messaging, which would settle for
# eventlet; isort must not move it.
backend.init_backend(backend.BackendType.THREADING)
# futurist looks whether eventlet is there, and eventlet says that it is
# deprecated; nobody uses it here.
warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")

# ruff: noqa: E402
import logging
import sys

import cotyledon
from cotyledon import oslo_config_glue
from oslo_config import cfg
from oslo_log import log

from gpubroker import clock
from gpubroker import clouds
from gpubroker import conf as configuration
from gpubroker import errors
from gpubroker.conf import worker as options
from gpubroker.db import key_files
from gpubroker.db import store
from gpubroker.rpc import bell
from gpubroker.services import broker
from gpubroker.services import ports
from gpubroker.worker import service

LOG = logging.getLogger(__name__)


def main(args: list[str] | None = None) -> int:
    conf = configuration.load(sys.argv[1:] if args is None else args)
    log.setup(conf, "gpubroker")
    try:
        store.Store(conf, clock.SystemClock()).keys.read()
    except errors.Misconfigured as error:
        # To the log and to who started it by hand.
        LOG.critical("%s", error.fields["detail"])
        print(f"gpubroker-worker: {error.fields['detail']}", file=sys.stderr)
        return 1
    manager = cotyledon.ServiceManager()
    manager.add(
        service.Worker,
        workers=conf.worker.workers,
        args=(conf, assemble, rotated),
    )
    oslo_config_glue.setup(manager, conf, reload_method="mutate")
    manager.run()
    return 0


def assemble(conf: cfg.ConfigOpts, meter: ports.Meter) -> broker.Broker:
    """The real ports; connects to nothing yet."""
    system = clock.SystemClock()
    found = clouds.build(conf, system, meter)
    return broker.Broker(
        store=store.Store(conf, system, meter),
        clock=system,
        bell=bell.build(conf),
        ledger=found.ledger,
        compute=found.compute,
        identity=found.identity,
        settings=options.settings(conf),
        meter=meter,
    )


def rotated(conf: cfg.ConfigOpts) -> float | None:
    """When the keys of user data were last rotated, if that can be read."""
    return key_files.KeyFiles(conf.encryption.key_repository).rotated_at()


if __name__ == "__main__":
    sys.exit(main())
