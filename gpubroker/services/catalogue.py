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


"""What operators keep: models, flavors and pools.

Each change names what it read: ``seen`` is called with the generation of the
row before anything is written, and raises when the caller has seen another.
"""

from __future__ import annotations

import abc
import dataclasses
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from gpubroker import errors
from gpubroker.domain import catalogue
from gpubroker.domain import extra_specs
from gpubroker.domain import flavors
from gpubroker.domain import models
from gpubroker.domain import pools
from gpubroker.services import broker
from gpubroker.services import ports

Seen = Callable[[int], None]

T = TypeVar("T", models.Model, flavors.Flavor, pools.Pool)


class Rows(Protocol[T]):
    """What ``ports.Transaction`` has for each of them."""

    def get(self, key: str, /) -> T: ...
    def add(self, thing: T, /) -> T: ...
    def update(self, thing: T, /) -> T: ...
    def delete(self, key: str, /) -> None: ...


class Kind(abc.ABC, Generic[T]):
    """How things of one kind come, change and go."""

    def add(self, core: broker.Broker, body: Mapping[str, Any]) -> T:
        """:raises Duplicate: when the name is taken; and as ``check``."""
        thing = self.new(self.fields(body))
        with core.store.write() as tx:
            self.check(tx, thing)
            return self.rows(tx).add(thing)

    def change(
        self,
        core: broker.Broker,
        key: str,
        changes: Mapping[str, Any],
        seen: Seen,
    ) -> T:
        """:raises Duplicate: when the name is taken; and as ``check``."""
        with core.store.write() as tx:
            thing = self.rows(tx).get(key)
            seen(thing.generation)
            changed = dataclasses.replace(thing, **self.fields(changes))
            self.check(tx, changed)
            return self.rows(tx).update(changed)

    def delete(self, core: broker.Broker, key: str, seen: Seen) -> None:
        """:raises InUse: while something names it that must not lose it."""
        with core.store.write() as tx:
            seen(self.rows(tx).get(key).generation)
            self.rows(tx).delete(key)

    @abc.abstractmethod
    def rows(self, tx: ports.Transaction) -> Rows[T]: ...

    @abc.abstractmethod
    def new(self, fields: dict[str, Any]) -> T: ...

    def fields(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """What a body says, as the domain has it."""
        return _tuples(body)

    def check(self, tx: ports.Transaction, thing: T) -> None:
        """What must hold before it is written; by default nothing more."""


class Models(Kind[models.Model]):
    """A changed model is the operator's, no longer a built-in one; one in
    use, by a flavor or a device, is not deleted."""

    def rows(self, tx: ports.Transaction) -> Rows[models.Model]:
        return tx.models

    def new(self, fields: dict[str, Any]) -> models.Model:
        name = fields["name"]
        word = name.replace(".", "_")
        fields.setdefault("resource_class", catalogue.resource_class(word))
        fields.setdefault("alias", name)
        return models.Model(**fields)

    def fields(self, body: Mapping[str, Any]) -> dict[str, Any]:
        fields = {**_tuples(body), "builtin": False}
        if "device_type" in fields:
            fields["device_type"] = models.DeviceType(fields["device_type"])
        return fields

    def check(self, tx: ports.Transaction, model: models.Model) -> None:
        """:raises Duplicate: when another model claims the same cards;
        Invalid: for blocks that do not fit the board.
        """
        slots = [slot for block in model.blocks for slot in block]
        if any(slot >= model.board_slots for slot in slots):
            raise errors.Invalid(
                f"A block names slot {max(slots)}, the board has "
                f"{model.board_slots}, counted from 0.",
                field="blocks",
            )
        for other in tx.models.all():
            # An operator's model comes before a built-in one, so the two may
            # stand for the same cards; two of an operator's may not.
            if model.builtin or other.builtin or other.name == model.name:
                continue
            if _same_cards(model, other):
                raise errors.Duplicate(
                    f"Model {other.name} already stands for such cards.",
                    field="product_ids",
                )


class Flavors(Kind[flavors.Flavor]):
    """Leases keep what they were ordered with."""

    def rows(self, tx: ports.Transaction) -> Rows[flavors.Flavor]:
        return tx.flavors

    def new(self, fields: dict[str, Any]) -> flavors.Flavor:
        return flavors.Flavor(id=str(uuid.uuid4()), **fields)

    def fields(self, body: Mapping[str, Any]) -> dict[str, Any]:
        fields = _tuples(body)
        if "kind" in fields:
            fields["kind"] = flavors.Kind(fields["kind"])
        if "topology" in fields:
            fields["topology"] = flavors.Topology(fields["topology"])
        return fields

    def check(self, tx: ports.Transaction, flavor: flavors.Flavor) -> None:
        """:raises Invalid: for a model that does not exist, or a property
        that Nova would refuse.
        """
        wrong = extra_specs.faults(flavor.extra_specs)
        if wrong:
            raise errors.Invalid(" ".join(wrong), field="extra_specs")
        known = {model.name for model in tx.models.all()}
        for name in flavor.models:
            if name not in known:
                raise errors.Invalid(
                    f"There is no model {name}.", field="models"
                )


class Pools(Kind[pools.Pool]):
    """One that hosts name, or leases that are not over, is not deleted."""

    def rows(self, tx: ports.Transaction) -> Rows[pools.Pool]:
        return tx.pools

    def new(self, fields: dict[str, Any]) -> pools.Pool:
        return pools.Pool(**fields)

    def fields(self, body: Mapping[str, Any]) -> dict[str, Any]:
        fields = _tuples(body)
        if "admission" in fields:
            fields["admission"] = pools.Admission(fields["admission"])
        return fields


MODELS, FLAVORS, POOLS = Models(), Flavors(), Pools()


def _same_cards(one: models.Model, other: models.Model) -> bool:
    """Whether a card could be of both.

    Models with one device id are told apart by subsystem; one without any
    stands for the cards that no other names, so there is one such at most.
    """
    if one.vendor_id != other.vendor_id:
        return False
    if not set(one.product_ids) & set(other.product_ids):
        return False
    if one.subsystem_ids and other.subsystem_ids:
        return bool(set(one.subsystem_ids) & set(other.subsystem_ids))
    return not one.subsystem_ids and not other.subsystem_ids


def _tuples(body: Mapping[str, Any]) -> dict[str, Any]:
    """Lists of a body as the domain has them: unchangeable."""
    return {name: _frozen(value) for name, value in body.items()}


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return value


def named_flavor(tx: ports.Transaction, name: str) -> flavors.Flavor:
    """The flavor that a request names.

    :raises Invalid: there is none, naming the field.
    """
    try:
        return tx.flavors.get(name)
    except errors.NotFound:
        raise errors.Invalid(
            f"flavor: there is no flavor {name}", field="flavor"
        ) from None
