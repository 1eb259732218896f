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

"""The pool that a page is about."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from gpubroker.client.sdk import pool as pool_sdk
from gpubroker.dashboard import catalogue_api
from gpubroker.dashboard.content.admin.pools import tables


class OfOnePool:
    """A view whose URL names a pool."""

    panel = tables.PANEL
    unread = _("The pool could not be read.")
    request: Any
    kwargs: dict[str, Any]
    thing: pool_sdk.Pool

    def read(self) -> pool_sdk.Pool:
        return catalogue_api.pool(self.request, str(self.kwargs["name"]))
