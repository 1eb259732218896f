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


"""Options of the API."""

from __future__ import annotations

from oslo_config import cfg

from gpubroker.services import broker

GROUP = "api"

OPTS: tuple[cfg.Opt, ...] = (
    cfg.IntOpt(
        "max_limit",
        default=1000,
        min=1,
        max=100000,
        help="""
Most items that one page of a list has. A caller who asks for more gets this
many and a link to the next page.
""",
    ),
    cfg.StrOpt(
        "response_validation",
        default="warn",
        choices=[
            ("error", "answer 500; for tests"),
            ("warn", "look at the first items, log a warning"),
            ("ignore", "do not check"),
        ],
        help="""
What to do with an answer that does not match the schema that the API
publishes for it.
""",
    ),
    cfg.IntOpt(
        "max_leases_per_project",
        default=broker.Settings().max_leases_per_project,
        min=0,
        help="""
Most leases that one project may have queued, starting, active or ending at a
time. One more is refused with 403.
""",
    ),
    cfg.IntOpt(
        "max_nodes",
        default=64,
        min=1,
        max=64,
        help="""
Most servers that one lease may have. An order of more is refused with 400.
""",
    ),
    cfg.IntOpt(
        "requests_per_minute",
        default=6000,
        min=0,
        help="""
Requests that one project may send in a minute, and at once after a minute
without any. More are answered with 429 and the seconds to wait. Each process
of the API counts for itself, so that N processes let up to N times as many
through. Every request counts, whatever the answer; one with a token for no
project counts for its user. Reports of agents are not counted here. 0 means no
limit.
""",
    ),
    cfg.IntOpt(
        "reports_per_minute",
        default=240,
        min=0,
        help="""
Reports that one user, which is the agent of one host, may send in a minute,
counted as ``requests_per_minute`` is. An agent sends one each
``report_interval``, and one more when a card changes. 0 means no limit.
""",
    ),
    cfg.IntOpt(
        "report_interval",
        default=30,
        min=1,
        max=600,
        help="""
Seconds between two reports of an agent. Each answer to a report tells it to
the agent, so that this option counts for all hosts and needs no restart of
theirs. Well below ``[worker] heartbeat_timeout``.
""",
    ),
    cfg.BoolOpt(
        "console",
        default=True,
        help="""
Show the address of a console with each server of an active lease. The API
asks Nova for it with the reader's own rights each time that the lease is
shown; without it the API shows a lease without asking Nova.
""",
    ),
)


def register(conf: cfg.ConfigOpts) -> None:
    conf.register_opts(OPTS, group=GROUP)
