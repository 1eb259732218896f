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


"""``gpubroker-agent``: tells the broker what a GPU host shows."""

from __future__ import annotations

import json
import pathlib
import random
import sys

from oslo_config import cfg
from oslo_log import log

from gpubroker import clock as clocks
from gpubroker import errors
from gpubroker.agent import api_client
from gpubroker.agent import kernel_log
from gpubroker.agent import nvml
from gpubroker.agent import observations
from gpubroker.agent import pci
from gpubroker.agent import report
from gpubroker.agent import schedule as schedules
from gpubroker.agent import service
from gpubroker.agent import survey as surveys
from gpubroker.conf import agent as agent_options
from gpubroker.conf import agent_auth
from gpubroker.services import ports

_CLI = [
    cfg.BoolOpt(
        "once",
        default=False,
        help="Send one report and exit: 0 when the broker took it, else 1.",
    ),
    cfg.BoolOpt(
        "print",
        default=False,
        help="""
Print what would be reported and exit, without a network. Cards are not asked
through NVIDIA's library: which of them nobody uses is known to the broker
alone.
""",
    ),
]


def main(argv: list[str] | None = None) -> int:
    # Only the agent's own options: those of the other processes would load
    # libraries worth more memory than the agent itself.
    conf = cfg.ConfigOpts()
    log.register_options(conf)
    agent_options.register(conf)
    agent_auth.register(conf)
    conf.register_cli_opts(_CLI)
    conf(
        sys.argv[1:] if argv is None else argv,
        project="gpubroker",
        prog="gpubroker-agent",
    )
    log.setup(conf, "gpubroker")
    if conf.print:
        return _print(conf)
    try:
        agent = _agent(conf)
    except errors.GpubrokerError as error:
        print(f"gpubroker-agent: {error}", file=sys.stderr)
        return 1
    if conf.once:
        return 0 if agent.once() else 1
    agent.run()
    return 0


def _agent(conf: cfg.ConfigOpts) -> service.Agent:
    clock = clocks.SystemClock()
    kernel = kernel_log.KernelLog(conf.agent.kernel_log)
    journal = observations.Journal(
        pathlib.Path(conf.agent.state_path) / f"agent-{conf.agent.host}.json"
    )
    prober = _prober(conf, clock)
    chance = random.Random()  # noqa: S311 - only spreads the reports
    return service.Agent(
        survey=surveys.Survey(conf, clock, kernel, journal, prober),
        prober=prober,
        kernel=kernel,
        api=api_client.connect(conf),
        schedule=schedules.Schedule(conf.agent.interval, chance),
        clock=clock,
        nvml_interval=conf.agent.nvml_interval,
    )


def _prober(conf: cfg.ConfigOpts, clock: ports.Clock) -> nvml.Prober:
    library = conf.agent.nvml_library
    return nvml.Prober(
        clock,
        conf.agent.nvml_deadline,
        lambda addresses: nvml.Process(library, addresses),
    )


def _print(conf: cfg.ConfigOpts) -> int:
    """Look at the host without leaving a trace on it."""
    clock = clocks.SystemClock()
    survey = surveys.Survey(
        conf,
        clock,
        kernel_log.KernelLog(conf.agent.kernel_log),
        observations.Journal(None),
        _prober(conf, clock),
    )
    try:
        facts = survey.facts()
    except pci.SysfsUnreadable as error:
        print(f"gpubroker-agent: {error}", file=sys.stderr)
        return 1
    print(json.dumps(report.build(facts), indent=2, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
