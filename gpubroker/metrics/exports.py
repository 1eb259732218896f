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

"""What a process lets Prometheus read, and where."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from importlib import metadata

import prometheus_client
from oslo_config import cfg
from prometheus_client import multiprocess
from prometheus_client import process_collector
from prometheus_client import registry as registries

from gpubroker.metrics import listener
from gpubroker.metrics import meter
from gpubroker.metrics import standing

LOG = logging.getLogger(__name__)

#: prometheus_client reads it when it is first imported.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_NO_FOLDER = (
    "No metrics: [metrics] enabled needs a folder in the environment "
    f"variable {VARIABLE}, in which the processes of the API add up what they "
    "count; the web server's unit has to make it, and empty it at each start"
)


class Worker:
    """Of one worker process, each a target of its own: what they count is
    added up by whoever reads it."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        self._registry = registries.CollectorRegistry()
        self.meter = meter.Meter(self._registry)
        self._listener: listener.Listener | None = None
        _build_info(self._registry, "worker")
        process_collector.ProcessCollector(registry=self._registry)

    def listen(
        self,
        number: int,
        look: Callable[[], standing.Standing],
        rotated: Callable[[], float | None],
    ) -> None:
        """:param number: of this process among those of its machine, from 0;
        one that takes the place of another has its number."""
        self._registry.register(standing.Collector(look, rotated))
        self._listener = listener.listen(
            prometheus_client.make_wsgi_app(self._registry),
            self._conf.metrics.bind_host,
            self._conf.metrics.worker_port + number,
        )

    def stop(self) -> None:
        if self._listener is not None:
            self._listener.stop()


class Api:
    """Of all processes of an API on one machine, which add up in a folder.

    Each listens from its first request on: the application may be loaded in
    a process that goes on to fork those that serve, and threads do not come
    over a fork.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        registry = registries.CollectorRegistry()
        self.meter = meter.Meter(registry)
        _build_info(registry, "api")
        self._pid: int | None = None

    def __call__(self, application: Callable[..., object]) -> object:
        """The application, which listens as well."""

        def serve(environ: object, start_response: object) -> object:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                self._listen()
            return application(environ, start_response)

        return serve

    def _listen(self) -> None:
        everybody = registries.CollectorRegistry()
        # The library has types, but not on these two.
        multiprocess.MultiProcessCollector(  # type: ignore[no-untyped-call]
            everybody
        )
        listener.listen(
            prometheus_client.make_wsgi_app(everybody),
            self._conf.metrics.bind_host,
            self._conf.metrics.api_port,
            shared=True,
        )


def worker(conf: cfg.ConfigOpts) -> Worker | None:
    """None where they are not wanted."""
    if not conf.metrics.enabled:
        return None
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    return Worker(conf)


def api(conf: cfg.ConfigOpts) -> Api | None:
    """None where they are not wanted, or can not be right."""
    if not conf.metrics.enabled:
        return None
    folder = os.environ.get(VARIABLE, "")
    if not (os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)):
        LOG.error("%s (%s)", _NO_FOLDER, folder or "not set")
        return None
    return Api(conf)


def _build_info(registry: registries.CollectorRegistry, service: str) -> None:
    made = prometheus_client.Gauge(
        "gpubroker_build_info",
        "1, with the release that runs.",
        ("service", "version"),
        registry=registry,
        # Those that ended have left their files.
        multiprocess_mode="max",
    )
    made.labels(service, metadata.version("gpubroker")).set(1)
