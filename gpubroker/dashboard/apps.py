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

"""The panels as an application of Django's."""

from __future__ import annotations

import pathlib

from django import apps
from django.conf import settings

#: Of Horizon's settings about policies, and of ours.
SERVICE = "gpubroker"

_CONF = pathlib.Path(__file__).parent / "conf"


class Dashboard(apps.AppConfig):
    name = "gpubroker.dashboard"
    # Django wants labels to be unique, and "dashboard" is what anybody takes.
    label = "gpubroker_dashboard"
    verbose_name = "gpubroker"

    def ready(self) -> None:
        """Let Horizon judge by our rules what a person may do.

        What a deployer has set stays, and what they changed in the service's
        policy.yaml is read from a file of this name beside Horizon's others.
        """
        settings.POLICY_FILES.setdefault(SERVICE, f"{SERVICE}_policy.yaml")
        settings.DEFAULT_POLICY_FILES.setdefault(
            SERVICE, str(_CONF / "default_policies" / "gpubroker.yaml")
        )
