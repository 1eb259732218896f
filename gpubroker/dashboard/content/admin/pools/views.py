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

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from gpubroker.dashboard import api
from gpubroker.dashboard.content.admin import dialogs
from gpubroker.dashboard.content.admin import lists
from gpubroker.dashboard.content.admin import people
from gpubroker.dashboard.content.admin import projects
from gpubroker.dashboard.content.admin.leases import tally
from gpubroker.dashboard.content.admin.pools import forms
from gpubroker.dashboard.content.admin.pools import listed
from gpubroker.dashboard.content.admin.pools import tables
from gpubroker.dashboard.content.admin.pools.chosen import OfOnePool
from gpubroker.dashboard.content.admin.pools.hosts import Hosts

__all__ = ["Create", "Delete", "Hosts", "Index", "Update"]


class Index(lists.Index):
    table_class = tables.Pools
    page_title = _("GPU Pools")
    panel = tables.PANEL
    noun = "pool"
    create_label = _("Create Pool")
    unread = _("The pools could not be read.")

    def read(self) -> list[listed.Listed]:
        found = sorted(api.pools(self.request), key=lambda pool: pool.name)
        owned = any(pool.projects for pool in found)
        known = people.names(self.request) if owned else projects.Projects()
        return [
            listed.Listed(
                pool,
                tuple(known.name(one) for one in pool.projects or ()),
            )
            for pool in found
        ]


class Create(dialogs.Create):
    form_class = forms.Create
    page_title = _("Create GPU Pool")
    panel = tables.PANEL
    rule = "pool:create"

    def sentences(self) -> list[Any]:
        return [
            _("It has a queue of its own, and no host yet: move some there."),
            _(
                "A project that may not order in it does not see it, among "
                "the offers or elsewhere."
            ),
        ]


class Update(OfOnePool, dialogs.Update):
    form_class = forms.Update
    page_title = _("Edit GPU Pool")
    rule = "pool:update"

    def get_initial(self) -> dict[str, Any]:
        initial = super().get_initial()
        owners = self.thing.projects or []
        known = people.names(self.request) if owners else projects.Projects()
        return {**initial, "projects": [known.word(one) for one in owners]}

    def sentences(self) -> list[Any]:
        return [
            _("Leases that are not over stay, whoever may order from now on."),
            _("The GPUs that are admitted already stay so."),
        ]


class Delete(OfOnePool, dialogs.Delete):
    form_class = forms.Delete
    form_id = "gpu_pool_delete"
    modal_header = page_title = _("Delete GPU Pool")
    rule = "pool:delete"

    def why_not(self) -> str:
        return super().why_not() or tables.kept(self.thing)

    def sentences(self) -> list[Any]:
        return [
            _(
                "It can only go while no host is in it and all its leases "
                "are over."
            ),
            *tally.living(self.request, pool=self.thing.name),
        ]
