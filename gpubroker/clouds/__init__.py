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

"""OpenStack's services behind the ports that the use cases know."""

from __future__ import annotations

import datetime
import functools
from dataclasses import dataclass

from oslo_config import cfg

from gpubroker import clock as system_clock
from gpubroker.clouds import compute
from gpubroker.clouds import identity
from gpubroker.clouds import placement
from gpubroker.clouds import session
from gpubroker.conf import service_user
from gpubroker.services import ports


@dataclass(frozen=True, slots=True)
class Clouds:
    """The three ports on one session of the broker's own identity."""

    ledger: ports.Ledger
    compute: ports.Compute
    identity: ports.Identity


def build(
    conf: cfg.ConfigOpts,
    clock: ports.Clock | None = None,
    meter: ports.Meter | None = None,
    cloud: session.Cloud | None = None,
) -> Clouds:
    """From [service_user]; talks to nobody yet.

    :param cloud: where there is one already; it has its own meter.
    """
    clock = clock or system_clock.SystemClock()
    cloud = cloud or session.connect(conf, meter)
    section = conf[service_user.GROUP]
    nova = cloud.service("Nova", "compute")
    version = compute.Microversion(nova)
    return Clouds(
        ledger=placement.Ledger(
            cloud.service(
                "Placement",
                "placement",
                default_microversion=placement.MICROVERSION,
            ),
            clock,
        ),
        compute=compute.Compute(compute.Nova(nova, version)),
        identity=identity.Identity(
            cloud,
            clock,
            identity.TrustPolicy(
                roles=tuple(section.trust_roles),
                lifetime=datetime.timedelta(days=section.trust_days),
            ),
            functools.partial(session.trusted, conf),
            functools.partial(session.scoped, conf),
            version,
        ),
    )
