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

"""Which card is which: an agent's report merged into what is known.

A card is known by its serial number or UUID where a driver has ever told
them, else by its host and PCI address. Pure: rows and a report in, rows out.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gpubroker.domain import devices
from gpubroker.domain import sightings
from gpubroker.domain.devices import Device
from gpubroker.domain.devices import State
from gpubroker.domain.fences import Reason
from gpubroker.domain.models import Model
from gpubroker.domain.sightings import Sighting


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """A line for the history of a card."""

    device_id: str
    kind: str
    message: str


@dataclass(slots=True)
class Merged:
    """What to write, in this order, so that no two rows ever stand at one
    address or under one serial, not even for a moment.

    :ivar vacate: rows to be vanished and stripped of serial and UUID first;
        each of them is also in ``changed``.
    :ivar drop: rows of cards that turned out to be another, known row.
    :ivar changed: rows as they are to be.
    :ivar added: new rows.
    :ivar rows: PCI address -> the row of the card that was seen there, or
        that could not be read.
    :ivar duplicates: rows whose serial another card has, too.
    """

    vacate: set[str] = field(default_factory=set)
    drop: set[str] = field(default_factory=set)
    changed: list[Device] = field(default_factory=list)
    added: list[Device] = field(default_factory=list)
    rows: dict[str, Device] = field(default_factory=dict)
    duplicates: set[str] = field(default_factory=set)
    happenings: list[Happening] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the store has.

    :param here: every row of the host, vanished ones, too.
    :param elsewhere: rows of other hosts that have a serial or UUID of the
        report.
    :param staying: those of ``elsewhere`` that are no cards that moved, so
        that the report names a serial or UUID which another card has.
    :param last_heard: when the host's last report came.
    """

    here: Sequence[Device]
    elsewhere: Sequence[Device] = ()
    staying: Collection[str] = ()
    last_heard: datetime.datetime | None = None


def merge(
    host: str,
    known: Known,
    seen: Sequence[Sighting],
    models: Sequence[Model],
    now: datetime.datetime,
    new_id: Callable[[], str],
    unreadable: Callable[[str], bool] = lambda address: False,
) -> Merged:
    """Bring the rows of a host in line with a report.

    :param unreadable: whether the report says that it could not read the
        card at an address; such a card has not vanished.
    """
    merging = _Merging(host, known, models, now, new_id)
    ordered = sorted(seen, key=lambda sighting: sighting.pci_address)
    named, nameless = merging.match_names(ordered)
    for sighting, row in named:
        merging.place(sighting, row)
    for sighting in nameless:
        merging.place(sighting, merging.at(sighting))
    merging.vanish(unreadable)
    return merging.merged


class _Merging:
    def __init__(
        self,
        host: str,
        known: Known,
        models: Sequence[Model],
        now: datetime.datetime,
        new_id: Callable[[], str],
    ) -> None:
        self.merged = Merged()
        self._host = host
        self._known = known
        self._models = models
        self._now = now
        self._new_id = new_id
        self._used: set[str] = set()
        self._doubles: set[str] = set()

    def match_names(
        self, seen: Sequence[Sighting]
    ) -> tuple[list[tuple[Sighting, Device]], list[Sighting]]:
        """Sightings that a row is named for, and those that none is.

        By serial first. A UUID that is that of a row with another serial is
        not believed: what a card was once known by is never changed. A serial
        number is a board's, though, and tells nothing where GPUs with UUIDs
        of their own share it.
        """
        rows = (*self._known.elsewhere, *self._known.here)
        serials: dict[str | None, Device] = {
            row.serial: row for row in rows if row.serial
        }
        uuids: dict[str | None, Device] = {
            row.uuid: row for row in rows if row.uuid
        }
        named: list[tuple[Sighting, Device]] = []
        nameless: list[Sighting] = []
        believed = []
        for one in sightings.apart(seen):
            if self._of_board(one, serials.get(one.serial)):
                one = dataclasses.replace(one, serial=None)
            row, other = serials.get(one.serial), uuids.get(one.uuid)
            if sightings.doubted(one, row, other):
                self._doubles.add(one.pci_address)
                one = dataclasses.replace(one, uuid=None)
            believed.append(one)
        single = self._single(believed, serials, uuids)
        for sighting in sorted(single, key=lambda found: not found.serial):
            row = serials.get(sighting.serial) or uuids.get(sighting.uuid)
            if row is None:
                nameless.append(sighting)
            elif self._free(row):
                self._used.add(row.id)
                named.append((sighting, row))
            else:
                self._doubles.add(sighting.pci_address)
                nameless.append(sightings.anonymous(sighting))
        return named, nameless

    def _of_board(self, sighting: Sighting, row: Device | None) -> bool:
        """Whether the row with its serial number is that of another GPU of
        the same board."""
        if row is None or row.id in self._known.staying:
            return False
        here = (self._host, sighting.pci_address)
        both = row.uuid and sighting.uuid
        return bool(
            both
            and row.uuid != sighting.uuid
            and (row.host, row.pci_address) != here
        )

    def _free(self, row: Device) -> bool:
        return row.id not in self._used and row.id not in self._known.staying

    def _single(
        self,
        seen: Sequence[Sighting],
        serials: Mapping[str | None, Device],
        uuids: Mapping[str | None, Device],
    ) -> Iterable[Sighting]:
        """Names that two sightings share stay with one of them: with the
        card that had it before, else with the lower address."""
        by_name = {
            **{f"serial {name}": row for name, row in serials.items()},
            **{f"uuid {name}": row for name, row in uuids.items()},
        }
        owner: dict[str, str] = {}
        for sighting in seen:
            for name in sightings.names(sighting):
                row = by_name.get(name)
                stayed = (
                    row is not None
                    and row.host == self._host
                    and row.pci_address == sighting.pci_address
                )
                if name not in owner or stayed:
                    owner[name] = sighting.pci_address
        for sighting in seen:
            shared = {
                name.partition(" ")[0]
                for name in sightings.names(sighting)
                if owner[name] != sighting.pci_address
            }
            if shared:
                self._doubles.add(sighting.pci_address)
            if "serial" in shared:
                yield sightings.anonymous(sighting)
            elif shared:
                yield dataclasses.replace(sighting, uuid=None)
            else:
                yield sighting

    def at(self, sighting: Sighting) -> Device | None:
        """The row at the address, where it may be this card."""
        return devices.latest(
            row
            for row in self._known.here
            if row.pci_address == sighting.pci_address
            and row.id not in self._used
            and sightings.compatible(row, sighting)
        )

    def place(self, sighting: Sighting, row: Device | None) -> None:
        """Make ``row`` the card that was seen, or make a row for it."""
        tenant = self._tenant(sighting, row)
        if tenant is not None and row is not None:
            if _spoken_for(tenant):
                # A lease holds the card by this row: it must stay.
                self._strip(row)
                row = tenant
            else:
                self.merged.drop.add(tenant.id)
            self._used.add(tenant.id)
        if row is None:
            self._add(sighting)
            return
        self._used.add(row.id)
        after = self._seen(row, sighting, tenant)
        if (row.host, row.pci_address) != (after.host, after.pci_address):
            self.merged.vacate.add(row.id)
            self._tell(row, "device.moved", _moved(row, after))
        elif row.state is State.VANISHED:
            self._tell(row, "device.returned", "The card is there again.")
        self._keep(row, after)

    def _tenant(self, sighting: Sighting, row: Device | None) -> Device | None:
        """A row without a name at the address of a card that is known by
        its name under another row: both are the same card."""
        if row is None or (row.host, row.pci_address) == (
            self._host,
            sighting.pci_address,
        ):
            return None
        found = self.at(sighting)
        if found is None or found.state is State.VANISHED:
            return None
        if sightings.names(found):
            return None
        return found

    def _add(self, sighting: Sighting) -> None:
        blank = Device(
            id=self._new_id(),
            host=self._host,
            pci_address=sighting.pci_address,
            first_seen_at=self._now,
            last_seen_at=self._now,
        )
        row = self._seen(blank, sighting, None)
        self.merged.added.append(row)
        self._note(row)
        self._tell(
            row,
            "device.found",
            f"Found a new card at {row.pci_address} of {row.host}.",
        )

    def _seen(
        self, row: Device, sighting: Sighting, tenant: Device | None
    ) -> Device:
        here = (row.host, row.pci_address) == (
            self._host,
            sighting.pci_address,
        )
        shown = (
            row if here else tenant or Device(id="", host="", pci_address="")
        )
        after = dataclasses.replace(
            row,
            host=self._host,
            pci_address=sighting.pci_address,
            vendor_id=sighting.vendor_id,
            product_id=sighting.product_id,
            subsystem_id=sighting.subsystem_id or row.subsystem_id,
            serial=row.serial or sighting.serial,
            uuid=row.uuid or sighting.uuid,
            numa_node=row.numa_node
            if sighting.numa_node is None and here
            else sighting.numa_node,
            driver=sighting.driver,
            state=State.PRESENT,
            reported=True,
            provider_id=shown.provider_id,
            provider_name=shown.provider_name,
            provider_generation=shown.provider_generation,
            resource_class=shown.resource_class,
            total=shown.total,
            reserved=shown.reserved,
            closing_generation=shown.closing_generation,
            consumers=shown.consumers,
        )
        model = sightings.model_of(self._models, after)
        return dataclasses.replace(after, model=model)

    def vanish(self, unreadable: Callable[[str], bool]) -> None:
        """Every card of the host that was not seen is gone.

        A device that only Placement knows and that no model names may be no
        GPU at all, so that no agent would ever report it.
        """
        for row in self._known.here:
            if (
                row.id in self._used
                or row.state is State.VANISHED
                or not (row.reported or row.model)
            ):
                continue
            if unreadable(row.pci_address):
                self._note(row)
                continue
            after = dataclasses.replace(
                row,
                state=State.VANISHED,
                last_seen_at=self._known.last_heard or self._now,
            )
            # Another card may stand at its address now.
            self.merged.vacate.add(row.id)
            self.merged.changed.append(after)
            self._tell(
                row,
                "device.vanished",
                f"The card at {row.pci_address} of {row.host} is gone.",
            )

    def _strip(self, row: Device) -> None:
        """The row of a card that goes on under another row."""
        self.merged.vacate.add(row.id)
        self.merged.changed.append(
            dataclasses.replace(
                row, state=State.VANISHED, serial=None, uuid=None
            )
        )

    def _keep(self, row: Device, after: Device) -> None:
        if row != after:
            self.merged.changed.append(after)
        self._note(after)

    def _note(self, row: Device) -> None:
        self.merged.rows[row.pci_address] = row
        if row.pci_address in self._doubles:
            self.merged.duplicates.add(row.id)

    def _tell(self, row: Device, kind: str, message: str) -> None:
        self.merged.happenings.append(
            Happening(device_id=row.id, kind=kind, message=message)
        )


def _spoken_for(row: Device) -> bool:
    return row.claimed_by is not None or Reason.LEASE in row.reasons


def _moved(row: Device, after: Device) -> str:
    return (
        f"The card moved from {row.pci_address} of {row.host} to "
        f"{after.pci_address} of {after.host}."
    )
