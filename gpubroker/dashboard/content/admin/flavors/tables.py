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

"""The list of flavors."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from horizon import tables

from gpubroker.client.sdk import flavor as flavor_sdk
from gpubroker.dashboard.content.admin import lists
from gpubroker.dashboard.content.admin import texts
from gpubroker.dashboard.words import flavors as words
from gpubroker.dashboard.words import sizes

PANEL = "horizon:admin:gpu_flavors"


class Update(lists.Update):
    url = f"{PANEL}:update"
    noun = "flavor"


class Delete(lists.Delete):
    url = f"{PANEL}:delete"
    noun = "flavor"


class Flavors(tables.DataTable):
    name = tables.WrappingColumn("name", verbose_name=_("Name"))
    models = tables.WrappingColumn(words.models, verbose_name=_("GPU"))
    gpus = tables.Column("gpus", verbose_name=_("GPUs"))
    vcpus = tables.Column("vcpus", verbose_name=_("vCPUs"))
    ram = tables.Column(
        lambda flavor: sizes.gibibytes(flavor.ram_mib),
        verbose_name=_("Memory"),
    )
    disk = tables.Column(
        lambda flavor: f"{flavor.disk_gib} GiB", verbose_name=_("Disk")
    )
    topology = tables.WrappingColumn(
        words.topology, verbose_name=_("Topology")
    )
    constraints = tables.WrappingColumn(
        lambda flavor: ", ".join(constraints(flavor)),
        verbose_name=_("Traits and properties"),
    )
    description = tables.WrappingColumn(
        "description", verbose_name=_("Description")
    )

    def get_object_id(self, flavor: flavor_sdk.Flavor) -> str:
        return str(flavor.id)

    class Meta:
        name = "flavors"
        verbose_name = _("GPU flavors")
        row_actions = (Update, Delete)
        row_actions_dropdown_template = "gpubroker/_row_actions.html"
        hidden_title = True
        css_classes = "gpu-list"


def constraints(flavor: flavor_sdk.Flavor) -> list[str]:
    """What the host has to be, and what Nova is told besides."""
    pairs = texts.from_pairs(flavor.extra_specs or {})
    return [*(flavor.traits or ()), *pairs.splitlines()]
