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

"""Views of one thing, which their URL names."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import functional
from horizon import exceptions
from horizon import forms

from gpubroker.dashboard.content import zoned


class OfOne(zoned.Zoned):
    """:cvar panel: where it leads back to when there is no such thing.
    :cvar unread: said when it can not be read.
    """

    panel: str
    unread: Any
    request: Any
    kwargs: dict[str, Any]

    def read(self) -> Any:
        """:raises BrokerError: there is no such thing any more."""
        raise NotImplementedError

    @functional.cached_property
    def thing(self) -> Any:
        try:
            return self.read()
        except Exception:
            self.lead_back()
            raise

    def lead_back(self) -> None:
        """Horizon's way: it logs, tells the user and leads back, or, for what
        it does not know, lets it through."""
        exceptions.handle(
            self.request,
            self.unread,
            redirect=reverse(f"{self.panel}:index"),
        )


class Dialog(OfOne, forms.ModalFormView):
    """A short one, which says what comes of it.

    :cvar noun: what its form and its template call the thing.
    :cvar verb: of the URL that it is sent to.
    """

    noun: str
    verb: str

    def why_not(self) -> str:
        """Why it can not be done; empty where it can."""
        raise NotImplementedError

    def get_initial(self) -> dict[str, Any]:
        return {self.noun: self.thing}

    def get_success_url(self) -> str:
        return reverse(f"{self.panel}:detail", args=[self.thing.id])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {
            **context,
            self.noun: self.thing,
            "why_not": self.why_not(),
            "submit_url": reverse(
                f"{self.panel}:{self.verb}", args=[self.thing.id]
            ),
            "cancel_url": self.get_success_url(),
        }
