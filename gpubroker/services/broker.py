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

"""What a use case is handed: the ports and the limits in force."""

from __future__ import annotations

from dataclasses import dataclass, field

from gpubroker.services import patience
from gpubroker.services import ports
from gpubroker.services import shared_clock
from gpubroker.services import standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Limits and times, in seconds; read from the configuration by the
    commands, so that no use case knows oslo.config. The options take their
    defaults from here.

    :param start_attempts: starts of one lease that may fail for a reason
        that lies with the cloud before the lease fails.
    :param suspect_seconds: how long a lease keeps away from a host after its
        start failed there, and everybody from a host that is suspect.
    :param suspect_window: how close to each other the starts of two leases
        have to fail on a host to make it suspect.
    :param post_doubt_seconds: how long after a POST /servers without an
        answer its server may still turn up (N 15.7).
    :param order_seconds: how long an order may take, at the most.
    :param rights_wait: how long a lease may wait for its user to get back
        the rights that it needs to start.
    :param check_interval: between two looks at a lease that runs.
    :param ownership_seconds: how long a planner owns a pool without
        renewing.
    """

    max_leases_per_project: int = 100
    max_nodes: int = 64
    start_timeout: float = 600.0
    start_attempts: int = 3
    retry_delay: float = 5.0
    suspect_seconds: float = 60.0
    suspect_window: float = 600.0
    post_doubt_seconds: float = 60.0
    order_seconds: float = 600.0
    rights_wait: float = 604_800.0
    ownership_seconds: float = 5.0
    heartbeat_timeout: float = 120.0
    check_interval: float = 60.0
    report_interval: int = 30
    console: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """The ports, put together by a command (the composition root).

    :param clock: this machine's own. What the use cases find in its place
        tells the time that all processes share, so that none of them judges
        an age by a clock that is off.
    :param cache: what this process has worked out of the hosts.
    :param meter: what it counts of what it does.
    :param patience: how often in a row it got no answer from outside.
    """

    store: ports.Store
    clock: ports.Clock
    bell: ports.Bell
    ledger: ports.Ledger
    compute: ports.Compute
    identity: ports.Identity
    settings: Settings = field(default_factory=Settings)
    cache: standing.Cache = field(default_factory=standing.Cache)
    meter: ports.Meter = field(default_factory=ports.Uncounted)
    patience: patience.Patience = field(default_factory=patience.Patience)

    def __post_init__(self) -> None:
        shared = shared_clock.SharedClock(self.store, self.machine)
        object.__setattr__(self, "clock", shared)

    @property
    def machine(self) -> ports.Clock:
        """This machine's own clock, to compare it with the shared time."""
        if isinstance(self.clock, shared_clock.SharedClock):
            return self.clock.machine
        return self.clock
