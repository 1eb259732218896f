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
from horizon import exceptions
from horizon import views

from gpubroker.dashboard import api
from gpubroker.dashboard.content import access
from gpubroker.dashboard.content.project.offers import catalogue


class Index(views.HorizonTemplateView):
    template_name = "project/gpu_offers/index.html"
    page_title = _("GPU Offers")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["kinds"] = self._kinds()
        context["why_not_order"] = access.why_not_order(self.request)
        return context

    def _kinds(self) -> list[catalogue.Kind] | None:
        """``None``: the service could not tell; a message says why."""
        try:
            return catalogue.kinds(
                api.offers(self.request),
                api.flavors(self.request),
                api.models(self.request),
            )
        except Exception:
            exceptions.handle(self.request, _("The offers could not be read."))
            return None
