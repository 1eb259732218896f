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

"""Forms whose fields the service judges, too."""

from __future__ import annotations

import html
import re
from typing import Any

from django.utils import safestring
from horizon import exceptions
from horizon import forms
from horizon import messages

from gpubroker.dashboard import errors


class Form(forms.SelfHandlingForm):
    """Says the service's own words beside the field they are about.

    :cvar named: the field that is at fault when a name is taken, of which
        the service does not say so.
    """

    named: str | None = None
    #: What was sent.
    data: Any

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        for field in self.fields.values():
            if isinstance(field.widget, forms.TextInput | forms.Textarea):
                _show_as_typed(field.widget)

    def act(self, request: Any, data: dict[str, Any]) -> Any:
        """Ask the service.

        :raises BrokerError: with the field that was wrong, if one was.
        """
        raise NotImplementedError

    def done(self, data: dict[str, Any], made: Any) -> str:
        """What is said when it has worked."""
        raise NotImplementedError

    def handle(self, request: Any, data: dict[str, Any]) -> Any:
        try:
            made = self.act(request, data)
        except errors.SignInAgain:
            exceptions.handle(request)
            return None
        except errors.BrokerError as error:
            self.refused(error)
            return None
        messages.success(request, self.done(data, made))
        return made or True

    def refused(self, error: errors.BrokerError) -> None:
        # Such as workload.networks[0].network.
        parts = re.split(r"[^a-z_]+", error.field or "")
        seen = {one.name for one in self.visible_fields()}
        field = next((part for part in parts if part in seen), None)
        if field is None and error.taken:
            field = self.named
        self.add_error(field, str(error))


def _show_as_typed(widget: Any) -> None:
    """Show what somebody typed again as it was.

    AngularJS evaluates what stands between ``{$`` and ``$}`` anywhere in a
    page, and so Horizon's escaping writes ``{%`` and ``%}`` instead. What a
    field says is sent again: a script would not be the same any more. Here
    AngularJS keeps away from the field, and the signs stay.
    """
    told = widget.format_value

    def shown(value: Any) -> Any:
        text = told(value)
        # Django's own escaping is what Horizon has replaced.
        return text and safestring.SafeString(html.escape(str(text)))

    widget.format_value = shown
    widget.attrs["ng-non-bindable"] = True
