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

"""What a flavor gives, in the person's language."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from gpubroker.client.sdk import flavor as flavor_sdk

#: Whether the GPUs of a server have to belong together.
TOPOLOGIES = {
    "any": gettext_lazy("Any GPUs of one host"),
    "prefer": gettext_lazy("One block of the baseboard where it can"),
    "require": gettext_lazy("Waits for one block of the baseboard"),
}


def topology(flavor: flavor_sdk.Flavor) -> str:
    return str(TOPOLOGIES.get(flavor.topology, flavor.topology))


def models(flavor: flavor_sdk.Flavor) -> str:
    """The acceptable ones, the most wanted first."""
    return _(" or ").join(flavor.models or ())
