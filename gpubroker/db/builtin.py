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

"""The built-in catalogue, kept up to date in the database."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

from gpubroker.domain import models
from gpubroker.services import ports

#: What the database keeps for itself.
_OWN = ("generation", "created_at", "updated_at")


@dataclass(slots=True)
class Synced:
    """Names of models by what became of them."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


def sync(store: ports.Store, known: Sequence[models.Model]) -> Synced:
    """Add models that are missing, renew those that are still ``builtin``.

    What an operator changed or added under such a name is never touched: it
    is ``kept``. A built-in model that a release no longer knows stays.
    """

    def work(tx: ports.Transaction) -> Synced:
        done = Synced()
        stand = {model.name: model for model in tx.models.all()}
        for model in known:
            _one(tx, stand.get(model.name), model, done)
        return done

    return store.run(work)


def _one(
    tx: ports.Transaction,
    stands: models.Model | None,
    model: models.Model,
    done: Synced,
) -> None:
    wanted = dataclasses.replace(model, builtin=True)
    if stands is None:
        tx.models.add(wanted)
        done.added.append(model.name)
    elif not stands.builtin:
        done.kept.append(model.name)
    else:
        own = {name: getattr(stands, name) for name in _OWN}
        wanted = dataclasses.replace(wanted, **own)
        if wanted != stands:
            tx.models.update(wanted)
            done.updated.append(model.name)
