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

"""The broker process under cotyledon."""

from __future__ import annotations

import dataclasses
import functools
import logging
import os
import socket
import uuid
from collections.abc import Callable

import cotyledon
import oslo_messaging
from cotyledon import types
from oslo_config import cfg

from gpubroker.metrics import exports
from gpubroker.rpc import broker as rpc
from gpubroker.services import broker
from gpubroker.services import ports
from gpubroker.worker import bells
from gpubroker.worker import crew

LOG = logging.getLogger(__name__)


class Worker(cotyledon.Service):
    """Made in the child process, so that no connection crosses a fork.

    :param assemble: makes the ports from the configuration.
    :param rotated: when the keys of user data were last rotated.
    """

    name = "gpubroker-worker"

    def __init__(
        self,
        worker_id: types.WorkerId,
        conf: cfg.ConfigOpts,
        assemble: Callable[[cfg.ConfigOpts, ports.Meter], broker.Broker],
        rotated: Callable[[cfg.ConfigOpts], float | None],
    ) -> None:
        super().__init__(worker_id)
        self._conf = conf
        self._owner = ":".join(
            (socket.gethostname(), str(os.getpid()), uuid.uuid4().hex[:8])
        )
        self._number = worker_id
        self._rotated = functools.partial(rotated, conf)
        self._exported = exports.worker(conf)
        meter = self._exported.meter if self._exported else ports.Uncounted()
        core = assemble(conf, meter)
        ring = bells.Bells()
        self._crew = crew.Crew(
            dataclasses.replace(core, bell=ring), self._owner, pace(conf)
        )
        ring.hang(self._crew)
        ring.hang(core.bell)
        self._server: oslo_messaging.RPCServer | None = None

    def run(self) -> None:
        LOG.info("Worker %s starts", self._owner)
        self._crew.start()
        if self._exported is not None:
            self._exported.listen(
                self._number, self._crew.standing, self._rotated
            )
        # Last, and alone allowed to hang: the loops need no messages.
        server = rpc.server(rpc.transport(self._conf), self._owner, self._crew)
        server.start()
        self._server = server

    def terminate(self) -> None:
        """The process ends when this returns: drain here (C 2.4)."""
        LOG.info("Worker %s stops", self._owner)
        if self._server is not None:
            self._server.stop()
        if self._exported is not None:
            self._exported.stop()
        drain = self._conf.worker.drain_seconds
        if self._crew.stop(drain):
            LOG.info("Worker %s has stopped", self._owner)
        else:
            LOG.warning(
                "Worker %s stops with calls under way; they will be "
                "repeated by the next one",
                self._owner,
            )


def pace(conf: cfg.ConfigOpts) -> crew.Pace:
    section = conf.worker
    return crew.Pace(
        plan_interval=section.plan_interval,
        lease_interval=section.lease_interval,
        check_interval=section.check_interval,
        reconcile_interval=section.reconcile_interval,
        sweep_interval=section.sweep_interval,
        threads=section.threads,
        reconcile_threads=section.reconcile_threads,
        purge_after_days=section.purge_after_days,
        census_interval=(
            conf.metrics.census_interval if conf.metrics.enabled else None
        ),
    )
