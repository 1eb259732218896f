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

"""gpubroker-status: whether this cloud is ready for the broker.

``gpubroker-status --config-file FILE upgrade check`` ends with 0 when all is
well, 1 with a warning, 2 with a failure, 255 when it could not even begin.
"""

from __future__ import annotations

import functools
import logging
import sys
import textwrap
from collections.abc import Iterator, Mapping

from oslo_config import cfg
from oslo_upgradecheck import common_checks
from oslo_upgradecheck import upgradecheck

from gpubroker import conf as options
from gpubroker.cmd import status_checks
from gpubroker.cmd import status_facts
from gpubroker.cmd.status_facts import Need
from gpubroker.services.checks import finding as f
from gpubroker.services.checks.mistakes import Mistake

NOT_BEGUN = 255

ABOUT = """\
Tells whether this cloud is ready for gpubroker, and how to mend what is not.
Run it on the machine of a worker, with its configuration: after the first
installation, and before each upgrade with the new release's code, while the
services still run. "gpubroker-status --config-file
/etc/gpubroker/gpubroker.conf upgrade check --json" is for programs."""

EPILOG = """\
Exit status: 0 all is well, 1 a warning, 2 a failure, 255 it could not begin.
It changes nothing. Two checks try something that is gone when they are done:
a private flavor in Nova that nobody may use, and a provider in Placement with
one thing for which ten consumers compete; --read-only leaves them out. Each
mistake has a name, by which the operator guide ("Check everything") explains
it."""

CLI = (
    cfg.BoolOpt(
        "read-only",
        default=False,
        help="Leave out what can only be found by trying.",
    ),
    cfg.MultiStrOpt(
        "nova-conf",
        default=[],
        metavar="FILE",
        help="A nova.conf on this machine, of any of Nova's services; may be "
        "repeated. Most of it no API shows.",
    ),
    cfg.StrOpt(
        "placement-conf",
        metavar="FILE",
        help="A placement.conf on this machine.",
    ),
)

#: What is told of a need by the check that owns it.
_AWAY: Mapping[Need, tuple[Mistake, str]] = {
    Need.DATABASE: (
        Mistake.DATABASE_AWAY,
        "Start it, or look at [database] connection.",
    ),
    Need.KEYSTONE: (
        Mistake.IDENTITY_REFUSED,
        "Look at auth_url, username, password and project_name of "
        "[service_user].",
    ),
    Need.PLACEMENT: (
        Mistake.PLACEMENT_AWAY,
        'Start it, or look at its endpoint: "openstack catalog show '
        'placement".',
    ),
    Need.NOVA: (
        Mistake.NOVA_AWAY,
        'Start nova-api, or look at its endpoint: "openstack catalog show '
        'compute". If it ends by itself, its log tells why: newer releases '
        "do not start with a [pci] alias that they can not use, such as ours "
        "without [filter_scheduler] pci_in_placement = true.",
    ),
}

#: What is left unseen without the options, for people.
_UNNAMED = (
    "Not checked: nova.conf of nova-scheduler, nova-conductor and the "
    "computes, which no API shows. Name a file with --nova-conf to check it."
)


class Checks(upgradecheck.UpgradeCommands):
    """The checks as oslo.upgradecheck runs and prints them."""

    display_title = "Is this cloud ready for gpubroker?"

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__()
        self._conf = conf

    def check(self) -> upgradecheck.Code:
        facts = status_facts.Facts(self._conf)
        self._upgrade_checks = (
            *(
                (title, functools.partial(_run, facts, check))
                for title, check in self._chosen().items()
            ),
            (
                "Format of the policy file",
                (common_checks.check_policy_json, {"conf": self._conf}),
            ),
        )
        code = super().check()
        if not self._conf.nova_conf:
            # Beside the table, so that --json stays what it is.
            print(textwrap.fill(_UNNAMED, 70), file=sys.stderr)
        return code

    def _chosen(self) -> dict[str, status_checks.Check]:
        named = {
            "nova.conf": self._conf.nova_conf,
            "placement.conf": self._conf.placement_conf,
        }
        return {
            **status_checks.CHECKS,
            **{
                title: check
                for title, check in status_checks.FILES.items()
                if named[title]
            },
        }

    def _get_details(self, result: upgradecheck.Result) -> str | None:
        """As the library does it, with each finding on a line of its own."""
        if result.details is None:
            return None
        return "\n".join(
            line
            for one in result.details.split("\n")
            for line in textwrap.wrap(one, 60, subsequent_indent="  ")
        )


def _run(
    facts: status_facts.Facts, check: status_checks.Check, _commands: Checks
) -> upgradecheck.Result:
    """No check may keep the later ones from being run."""
    found: list[f.Finding] = []
    why = status_facts.why_not(lambda: found.extend(_look(facts, check)))
    if why:
        found.append(f.unseen(f"this went wrong: {why}"))
    worst = max((one.level for one in found), default=f.Level.OK)
    told = [one for one in found if bool(one.level) == bool(worst)]
    return upgradecheck.Result(
        upgradecheck.Code(worst), "\n".join(map(str, told)) or None
    )


def _look(
    facts: status_facts.Facts, check: status_checks.Check
) -> Iterator[f.Finding]:
    for need in check.needs:
        if facts.away(need):
            yield f.unseen(f"{need}; see the row that says why.")
            return
    why = facts.away(check.owns) if check.owns else None
    if check.owns and why:
        mistake, mend = _AWAY[check.owns]
        yield f.failure(mistake, f"{why}. {mend}")
        return
    yield from check.look(facts)


def main(argv: list[str] | None = None) -> int:
    # What goes wrong is told in the table; services that log it as well
    # would write it over the operator's screen.
    logging.getLogger().addHandler(logging.NullHandler())
    conf = options.new()
    conf.register_cli_opts(CLI)
    upgradecheck.register_cli_options(conf, Checks(conf))
    try:
        conf(
            args=sys.argv[1:] if argv is None else argv,
            project="gpubroker",
            prog="gpubroker-status",
            description=ABOUT,
            epilog=EPILOG,
        )
    except cfg.Error as error:
        print(f"gpubroker-status: {error}", file=sys.stderr)
        return NOT_BEGUN
    # The library's own main() does the same, without a word of help.
    upgradecheck.CONF = conf
    return int(upgradecheck.run(conf))


if __name__ == "__main__":
    sys.exit(main())
