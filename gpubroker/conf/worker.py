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

"""Options of the worker, and of the use cases that it runs."""

from __future__ import annotations

from oslo_config import cfg

from gpubroker.services import broker

GROUP = "worker"

_DEFAULTS = broker.Settings()

OPTS: tuple[cfg.Opt, ...] = (
    cfg.IntOpt(
        "workers",
        default=1,
        min=1,
        help="""
Worker processes on this machine. Any number may run, on any number of
machines: they share the pools of hosts, and each pool is looked after by one
of them at a time. More workers than pools are only of use as a reserve.
""",
    ),
    cfg.IntOpt(
        "threads",
        default=16,
        min=1,
        help="""
Leases that one worker process moves on at the same time. A lease that waits
for Nova holds no thread.
""",
    ),
    cfg.IntOpt(
        "reconcile_threads",
        default=4,
        min=1,
        help="""
Hosts that one worker process compares with Placement at the same time.
""",
    ),
    cfg.FloatOpt(
        "plan_interval",
        default=5.0,
        min=0.1,
        help="""
Seconds between two plans of a pool that nothing has asked for. A new order,
the end of a lease and the like start a plan at once by a message; this is
how long it takes when the message is lost.
""",
    ),
    cfg.FloatOpt(
        "lease_interval",
        default=2.0,
        min=0.1,
        help="""
Seconds between two looks for leases that start, end or expire.
""",
    ),
    cfg.FloatOpt(
        "check_interval",
        default=_DEFAULTS.check_interval,
        min=1.0,
        help="""
Seconds between two looks whether the servers of an active lease are there
and hold the GPUs that were promised. Two calls for each server.
""",
    ),
    cfg.FloatOpt(
        "reconcile_interval",
        default=30.0,
        min=1.0,
        max=60.0,
        help="""
Seconds between two comparisons of a host with Placement. Fences that Nova
has lost are set again no later than this.
""",
    ),
    cfg.FloatOpt(
        "sweep_interval",
        default=300.0,
        min=1.0,
        help="""
Seconds between two searches for flavors and resource classes that no open
lease owns, and for trusts that no lease got. Flavors and classes that are
found in two searches in a row are removed.
""",
    ),
    cfg.IntOpt(
        "purge_after_days",
        default=0,
        min=0,
        help="""
Days after which leases that are over are deleted from the database, with
their history and that of the devices, once an hour by one of the workers; 0:
never. "gpubroker-manage purge" does the same when it is called.
""",
    ),
    cfg.FloatOpt(
        "start_timeout",
        default=_DEFAULTS.start_timeout,
        min=10.0,
        help="""
Seconds that one start of a lease may take, before it is undone and put into
the queue again.
""",
    ),
    cfg.IntOpt(
        "start_attempts",
        default=_DEFAULTS.start_attempts,
        min=1,
        help="""
Starts of one lease that may fail for a reason that lies with the cloud,
before the lease fails.
""",
    ),
    cfg.FloatOpt(
        "retry_delay",
        default=_DEFAULTS.retry_delay,
        min=0.0,
        help="""
Seconds before a lease is planned again after its first failed start; twice
as long after each further one.
""",
    ),
    cfg.FloatOpt(
        "suspect_seconds",
        default=_DEFAULTS.suspect_seconds,
        min=0.0,
        help="""
Seconds for which a lease keeps away from a host after its start failed there.
Nobody is started there for as long after the last of several failed starts
that make a host suspect (see suspect_window). Not less than
update_resources_interval of Nova (60 seconds by default): so long may Nova
take a card for used that was given back at an unlucky moment, and find no
valid host.
""",
    ),
    cfg.FloatOpt(
        "suspect_window",
        default=600.0,
        min=0.0,
        help="""
Seconds within which the starts of two leases have to fail on a host to make
it suspect: to everybody when the leases are of two projects, else to their own
project. A start that succeeds there clears it.
""",
    ),
    cfg.FloatOpt(
        "post_doubt_seconds",
        default=_DEFAULTS.post_doubt_seconds,
        min=1.0,
        help="""
Seconds after a POST /servers without an answer in which its server may still
turn up. At least the time-outs of the load balancer and of Nova's API.
""",
    ),
    cfg.FloatOpt(
        "order_seconds",
        default=600.0,
        min=10.0,
        help="""
Seconds after which an order whose lease was not written is given up, since
the process that took it was stopped hard; the trust that Keystone made for it
is deleted. At least the time-outs of the load balancer and of the web server.
""",
    ),
    cfg.FloatOpt(
        "rights_wait",
        default=_DEFAULTS.rights_wait,
        min=0.0,
        help="""
Seconds for which a lease waits that can not start because its user or project
is disabled or the user's role was taken away; after that it fails. It keeps no
cards from others meanwhile, and goes on by itself when the rights are back.
""",
    ),
    cfg.FloatOpt(
        "heartbeat_timeout",
        default=_DEFAULTS.heartbeat_timeout,
        min=1.0,
        help="""
Seconds without a report after which the agent of a host counts as silent.
""",
    ),
    cfg.FloatOpt(
        "ownership_seconds",
        default=_DEFAULTS.ownership_seconds,
        min=3.0,
        help="""
Seconds after which the pools of a worker that was stopped hard are free. The
others look four times in this time, and take them over.
""",
    ),
    cfg.FloatOpt(
        "drain_seconds",
        default=20.0,
        min=0.0,
        help="""
Seconds that a worker which is told to stop waits for the calls under way.
What is cut off is done again by the next worker.
""",
    ),
)


def register(conf: cfg.ConfigOpts) -> None:
    conf.register_opts(OPTS, group=GROUP)


def settings(conf: cfg.ConfigOpts) -> broker.Settings:
    """What the use cases are told, by the API and the worker alike."""
    section = conf[GROUP]
    return broker.Settings(
        max_leases_per_project=conf.api.max_leases_per_project,
        max_nodes=conf.api.max_nodes,
        start_timeout=section.start_timeout,
        start_attempts=section.start_attempts,
        retry_delay=section.retry_delay,
        suspect_seconds=section.suspect_seconds,
        suspect_window=section.suspect_window,
        post_doubt_seconds=section.post_doubt_seconds,
        order_seconds=section.order_seconds,
        rights_wait=section.rights_wait,
        ownership_seconds=section.ownership_seconds,
        heartbeat_timeout=section.heartbeat_timeout,
        check_interval=section.check_interval,
        report_interval=conf.api.report_interval,
        console=conf.api.console,
    )
