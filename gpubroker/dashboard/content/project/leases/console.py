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

"""The way to the console of a server, made when somebody goes it: it lets in
whoever has it, for a while."""

from __future__ import annotations

from typing import Any

from django import http
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views import generic
from horizon import messages

from gpubroker.dashboard.content.leases import chosen
from gpubroker.dashboard.content.project.leases import tables as lists


class Console(chosen.OfOneLease, generic.View):
    panel = lists.PANEL
    console = True

    def get(self, request: Any, *_args: Any, **kwargs: Any) -> Any:
        wanted = str(kwargs["server_id"])
        for server in self.lease.servers or ():
            if server.get("id") == wanted and server.get("console_url"):
                return http.HttpResponseRedirect(server["console_url"])
        messages.error(
            request, _("There is no console of this server at present.")
        )
        return http.HttpResponseRedirect(
            reverse(f"{self.panel}:detail", args=[self.lease.id])
        )
