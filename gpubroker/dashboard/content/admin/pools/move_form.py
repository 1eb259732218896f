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

"""The form that moves hosts to a pool."""

from __future__ import annotations

from typing import Any

from django.core import exceptions
from django.core import validators
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from horizon import forms
from horizon import messages

from gpubroker.dashboard import catalogue_api
from gpubroker.dashboard.content import forms as judged
from gpubroker.dashboard.content.admin import fields
from gpubroker.dashboard.content.admin.pools import moving

_is_host = validators.RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,254}\Z",
    _("This is no name of a host."),
)


class _Marked(forms.MultipleChoiceField):
    """Names out of a list that may have changed since it was shown; the
    service knows what there is."""

    def valid_value(self, value: str) -> bool:
        try:
            _is_host(value)
        except exceptions.ValidationError:
            return False
        return True


class Move(judged.Form):
    """What can not be moved stays in the form, with the reason."""

    hosts = _Marked(
        label=_("Hosts"),
        required=False,
        widget=forms.CheckboxSelectMultiple(),
    )
    names = fields.Lines(
        label=_("Other hosts, by name"),
        each=_is_host,
        help_text=_("One a line, in whatever pool they are now."),
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean()
        if not self.errors and not self._wanted(data):
            self.add_error(
                "hosts", _("Choose hosts from the list, or name some.")
            )
        return data

    @staticmethod
    def _wanted(data: dict[str, Any]) -> list[str]:
        return [*data["hosts"], *data["names"]]

    def handle(self, request: Any, data: dict[str, Any]) -> Any:
        pool = self.initial["thing"].name
        outcome = moving.move(
            self._wanted(data),
            lambda name: catalogue_api.move_host(request, name, pool),
        )
        if outcome.moved:
            messages.success(request, _moved(len(outcome.moved), pool))
        if outcome.again:
            # The page that Horizon makes of it says what was done, too.
            raise outcome.again
        if not outcome.stay:
            return True
        self._keep(data, outcome)
        return None

    def _keep(self, data: dict[str, Any], outcome: moving.Outcome) -> None:
        """Only what did not go is sent again."""
        sent = self.data.copy()
        sent.setlist("hosts", _in(data["hosts"], outcome.stay))
        sent["names"] = "\n".join(_in(data["names"], outcome.stay))
        self.data = sent
        told = [f"{name}: {why}" for name, why in outcome.refused.items()]
        if outcome.untried:
            told.append(_untried(len(outcome.untried)))
        self.add_error(None, told)


def _in(names: list[str], wanted: frozenset[str]) -> list[str]:
    return [name for name in names if name in wanted]


def _moved(count: int, pool: str) -> str:
    return ngettext(
        "%(count)d host is moved to %(pool)s.",
        "%(count)d hosts are moved to %(pool)s.",
        count,
    ) % {"count": count, "pool": pool}


def _untried(count: int) -> str:
    return ngettext(
        "There was no time for %(count)d host, which is still chosen: move "
        "again.",
        "There was no time for %(count)d hosts, which are still chosen: move "
        "again.",
        count,
    ) % {"count": count}
