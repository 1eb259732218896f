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
"""The page on which GPUs are ordered, and what it asks meanwhile."""

from __future__ import annotations

import datetime
from typing import Any

from django import http
from django.core import exceptions as django_exceptions
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from horizon import forms

from gpubroker.client.sdk import lease as lease_sdk
from gpubroker.dashboard import api
from gpubroker.dashboard import errors
from gpubroker.dashboard.content import access
from gpubroker.dashboard.content import zoned
from gpubroker.dashboard.content.leases import rules
from gpubroker.dashboard.content.project.leases import checks
from gpubroker.dashboard.content.project.leases import forms as lease_forms
from gpubroker.dashboard.content.project.leases import tables as lists
from gpubroker.dashboard.words import offers
from gpubroker.dashboard.words import times


class Order(zoned.Zoned, forms.ModalFormView):
    form_class = lease_forms.Order
    template_name = "project/gpu_leases/order.html"
    ajax_template_name = template_name
    page_title = gettext_lazy("Order GPUs")
    submit_label = gettext_lazy("Order")
    submit_url = reverse_lazy("horizon:project:gpu_leases:order")
    success_url = reverse_lazy("horizon:project:gpu_leases:index")

    def get_initial(self) -> dict[str, Any]:
        """A link may name the flavor, as those of the offers do."""
        initial: dict[str, Any] = super().get_initial()
        if flavor := self.request.GET.get("flavor"):
            initial["flavor"] = flavor
        return initial

    def get_success_url_from_handled(self, made: lease_sdk.Lease) -> str:
        """Where one sees what becomes of it."""
        return lists.detail_url(made.id)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["why_not"] = access.why_not_order(self.request)
        return context


class Check(zoned.Zoned):
    """Answers what can be said of a field as it is now.

    ``{"error": "..."}``, or ``{"notes": ["...", ...]}``.
    """

    def post(self, request: Any) -> http.JsonResponse:
        field = request.POST.get("field", "")
        look = _LOOKS.get(field)
        if look is None:
            return http.JsonResponse({"notes": []})
        try:
            notes = look(request, request.POST)
        except django_exceptions.ValidationError as error:
            return http.JsonResponse({"error": " ".join(error.messages)})
        except errors.BrokerError:
            # Nothing to say is no error: the form says it when it is sent.
            notes = []
        return http.JsonResponse({"notes": notes})


def _name(request: Any, form: http.QueryDict) -> list[str]:
    text = checks.name(form.get("name", ""))
    if not text or "," in text:
        return []
    same = api.leases(request, 1, name=text, state=rules.LIVING).leases
    if not same:
        return []
    return [_("There is a lease of this name already; names may repeat.")]


def _flavor(request: Any, form: http.QueryDict) -> list[str]:
    offer = api.offer(request, form.get("flavor", ""))
    return offers.outlook(offer, _number(form)) if offer else []


def _duration(request: Any, form: http.QueryDict) -> list[str]:
    seconds = checks.duration(form.get("duration", ""))
    if seconds is None:
        return [_("It runs until you end it.")]
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(
        seconds=seconds
    )
    return [
        _("Started now, it would end %(time)s.") % {"time": times.when(end)}
    ]


def _by(request: Any, form: http.QueryDict) -> list[str]:
    """How long a lease would last that is extended."""
    seconds = checks.duration(form.get("by", ""))
    found = times.read(form.get("expires_at"))
    if seconds is None or found is None:
        return []
    try:
        end = found + datetime.timedelta(seconds=seconds)
    except OverflowError:
        return []
    return [_("It would end %(time)s.") % {"time": times.when(end)}]


def _user_data(request: Any, form: http.QueryDict) -> list[str]:
    checks.user_data(form.get("user_data", ""))
    return []


def _number(form: http.QueryDict) -> int:
    text = form.get("nodes", "")
    return int(text) if text.isdecimal() and len(text) < 4 else 1


_LOOKS = {
    "name": _name,
    "flavor": _flavor,
    "nodes": _flavor,
    "duration": _duration,
    "by": _by,
    "user_data": _user_data,
}
