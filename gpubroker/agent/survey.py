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


"""Looks at the host: sysfs, the kernel log and the management library."""

from __future__ import annotations

import datetime
import pathlib
from collections.abc import Collection
from importlib import metadata

from oslo_config import cfg

from gpubroker.agent import kernel_lines
from gpubroker.agent import kernel_log
from gpubroker.agent import nvml
from gpubroker.agent import observations
from gpubroker.agent import pci
from gpubroker.agent import registers
from gpubroker.agent import report
from gpubroker.domain import hosts
from gpubroker.services import ports

# The only driver that the management library works with.
_NVML_DRIVER = "nvidia"


class Survey:
    """What is known of this host, and what of it goes into a report."""

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        clock: ports.Clock,
        log: kernel_log.KernelLog,
        journal: observations.Journal,
        prober: nvml.Prober,
    ) -> None:
        self._options = conf.agent
        self._clock = clock
        self._proc = pathlib.Path(conf.agent.proc_root)
        self._log = log
        self._journal = journal
        self._prober = prober
        self._reader = registers.Reader(conf.agent.registers_deadline)
        self._parser = kernel_lines.Parser()
        self._version = metadata.version("gpubroker")
        self._boot_id = ""
        self._cards: tuple[pci.Card, ...] = ()
        self._identities: dict[str, report.Identity] = {}
        self._claimed: frozenset[str] | None = None
        #: Of cards and of the bridges above one card alone, to the card.
        self._owner: dict[str, str] = {}

    def facts(self) -> report.Facts:
        """Look at everything but the management library, whose answers come
        when they come.

        :raises SysfsUnreadable: when there is no telling which cards exist.
        """
        self._begin()
        scan = pci.scan(
            self._options.sysfs_root, self._options.pci_classes, self._reader
        )
        self._cards = scan.cards
        for card in scan.cards:
            for folder in (card.folder, *card.ports):
                self._owner[pathlib.Path(folder).name] = card.pci_address
        self._count_errors()
        self.follow()
        self._learn()
        askable = self._askable()
        return report.Facts(
            version=self._version,
            boot_id=self._boot_id,
            cards=scan.cards,
            identities=self._identities,
            answers={
                address: answer
                for address, answer in self._prober.answers.items()
                if address in askable
            },
            observations=self._journal.observations,
            conditions=self._conditions(scan),
        )

    def follow(self) -> bool:
        """Read on in the kernel log; True when there is news."""
        self._begin()
        before = self._journal.sequence
        booted = self._booted_at()
        news = False
        for record in self._log.read():
            finding = self._parser.parse(record.text)
            if finding is None or record.sequence <= before:
                continue
            address = self._owner.get(finding.pci_address)
            if address is None and finding.kind == kernel_lines.Kind.AER:
                # Some other device's, or a bridge's above many cards.
                continue
            self._journal.note(
                observations.Observation(
                    id=f"{self._boot_id}:{record.sequence}",
                    kind=finding.kind,
                    pci_address=address or finding.pci_address,
                    code=finding.code,
                    text=observations.printable(record.text),
                    at=booted
                    + datetime.timedelta(microseconds=record.microseconds),
                ),
                record.sequence,
            )
            news = True
        self._journal.save()
        return news

    def told(self, facts: report.Facts, claimed: Collection[str]) -> None:
        """The control plane has this report.

        :param claimed: the cards that must not be touched from now on.
        """
        self._journal.told(facts.observations)
        self._journal.save()
        self._claimed = frozenset(claimed)
        self._prober.forget(self._known() - self._askable())

    def probe(self) -> None:
        """Ask the management library about the cards that nobody uses.

        Nothing is asked before the control plane has said which those are.
        """
        self._prober.start(self._askable())

    def _begin(self) -> None:
        boot_id = _first_line(self._proc / "sys/kernel/random/boot_id")
        self._boot_id = boot_id or "unknown"
        self._journal.begin(self._boot_id)

    def _booted_at(self) -> datetime.datetime:
        try:
            text = (self._proc / "stat").read_text("ascii")
            seconds = next(
                int(line.split()[1])
                for line in text.splitlines()
                if line.startswith("btime ")
            )
            return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
        except (OSError, ValueError, LookupError, StopIteration):
            return self._clock.now()

    def _count_errors(self) -> None:
        for count in pci.aer_counts(self._cards):
            counter = f"{count.counted_at}:{count.severity}"
            self._journal.note_count(
                observations.Observation(
                    id=f"{self._boot_id}:aer:{counter}:{count.total}",
                    kind=kernel_lines.Kind.AER,
                    pci_address=count.pci_address,
                    text=f"{count.counted_at} has counted {count.total}"
                    f" {count.severity} PCIe errors since boot",
                    at=self._clock.now(),
                ),
                counter,
                count.total,
            )

    def _learn(self) -> None:
        """Remember who a card is while it stays where it is: its driver may
        be taken away from it, its serial number not."""
        present = {card.pci_address for card in self._cards}
        vanished = self._known() - present
        self._prober.forget(vanished)
        for address in vanished:
            self._identities.pop(address, None)
        for address, answer in self._prober.answers.items():
            known = self._identities.get(address, report.Identity())
            self._identities[address] = report.Identity(
                serial=answer.serial or known.serial,
                uuid=answer.uuid or known.uuid,
                name=answer.name or known.name,
            )

    def _known(self) -> set[str]:
        """Addresses of cards that are or were here."""
        present = {card.pci_address for card in self._cards}
        return present | set(self._identities) | set(self._prober.answers)

    def _askable(self) -> frozenset[str]:
        if self._claimed is None or not self._options.nvml_enabled:
            return frozenset()
        return frozenset(
            card.pci_address
            for card in self._cards
            if card.driver == _NVML_DRIVER
            and card.pci_address not in self._claimed
        )

    def _conditions(self, scan: pci.Scan) -> list[hosts.Condition]:
        found = list(self._prober.conditions)
        for address in scan.unreadable:
            found.append(_condition("device_unreadable", address))
        if self._log.problem is not None:
            found.append(
                _condition("kernel_log_unreadable", self._log.problem)
            )
        if self._log.overruns:
            found.append(
                _condition(
                    "kernel_log_overrun",
                    "records were overwritten before they could be read",
                )
            )
        if self._journal.problem is not None:
            found.append(_condition("state_unwritable", self._journal.problem))
        return found


def _condition(kind: str, detail: str) -> hosts.Condition:
    return hosts.Condition(kind=kind, detail=detail)


def _first_line(path: pathlib.Path) -> str:
    try:
        return path.read_text("ascii").split("\n", 1)[0].strip()
    except (OSError, ValueError):
        return ""
