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


"""Puts the API together."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import oslo_middleware
from keystonemiddleware import auth_token
from oslo_config import cfg
from oslo_middleware import cors

from gpubroker import policies
from gpubroker.api import call
from gpubroker.api import callers
from gpubroker.api import defaults
from gpubroker.api import dispatch
from gpubroker.api import measuring
from gpubroker.api import middleware
from gpubroker.api import rates
from gpubroker.api.controllers import root
from gpubroker.services import broker
from gpubroker.services import caller


def build(
    conf: cfg.ConfigOpts,
    ports: broker.Broker,
    checks: Mapping[str, Callable[[], None]],
    at_exit: Callable[[Callable[[], None]], object] = lambda _call: None,
) -> Any:
    """The API as a WSGI application.

    :param checks: what ``/healthcheck/<name>`` asks, by name.
    :param at_exit: takes what is to be called when the process is told to
        go and serves no request any more.
    """
    waiting = callers.Callers(
        functools.partial(caller.drive, ports), ports.clock.monotonic
    )
    at_exit(waiting.finish)
    site = call.Site(
        ports=ports,
        enforcer=policies.enforcer(conf),
        max_limit=conf.api.max_limit,
        response_validation=conf.api.response_validation,
        requests=rates.Rate(
            conf.api.requests_per_minute, ports.clock.monotonic
        ),
        reports=rates.Rate(conf.api.reports_per_minute, ports.clock.monotonic),
        callers=waiting,
    )
    app = _wrap(conf, dispatch.application(site, root.TREE), checks)
    # Outermost: whatever becomes of a request.
    return measuring.Measured(app, ports.meter, ports.clock)


def _wrap(
    conf: cfg.ConfigOpts,
    app: Any,
    checks: Mapping[str, Callable[[], None]],
) -> Any:
    """The middleware, from the inside out; the order matters."""
    defaults.apply(conf)
    # Innermost: who it is. Version documents and the description of the API
    # need no token, so that a client can find out how to get one.
    guarded = auth_token.AuthProtocol(app, {"oslo_config_config": conf})
    app = middleware.OpenPaths(guarded, app)
    # Outside of the token, so that a 401 says which version it answers, too.
    app = middleware.Microversion(app)
    # By path only, before tokens and versions: balancers have neither.
    process = oslo_middleware.Healthcheck(None, conf)
    app = middleware.HealthPaths(app, process, checks)
    # Before anything reads the body.
    app = oslo_middleware.RequestBodySizeLimiter(app, conf)
    # Answers preflights, which carry no token.
    app = cors.CORS(app, conf)
    # Before anything makes a link out of the request's own address.
    app = oslo_middleware.HTTPProxyToWSGI(app, conf)
    # Around everything whose errors are not ours; inside RequestId, since
    # its answers name the request.
    app = middleware.JsonErrors(app)
    # Outermost: everything that is logged or answered carries the id.
    return oslo_middleware.RequestId(app, conf)
