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
"""The forms of leases: order, extend."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils.translation import gettext_lazy as _
from horizon import forms

from gpubroker.client.sdk import lease as lease_sdk
from gpubroker.dashboard import api
from gpubroker.dashboard import errors
from gpubroker.dashboard.content import forms as judged
from gpubroker.dashboard.content.leases import choices
from gpubroker.dashboard.content.project.leases import checks
from gpubroker.dashboard.words import labels


class Order(judged.Form):
    """:ivar order_id: of what is ordered with this page, however often it is
    sent.
    """

    order_id = forms.UUIDField(
        required=False, initial=uuid.uuid4, widget=forms.HiddenInput()
    )
    flavor = forms.ChoiceField(
        label=_("GPU flavor"),
        help_text=_("How many GPUs of which model, with how much else."),
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=255,
        strip=False,
        help_text=_("Of the lease; its server gets the same name."),
    )
    image = forms.ChoiceField(
        label=_("Image"),
        help_text=_("What the server boots; with drivers for the GPU in it."),
    )
    networks = forms.MultipleChoiceField(
        label=_("Networks"),
        required=False,
        widget=forms.CheckboxSelectMultiple(),
        help_text=_(
            "None: the server gets the network of the project, if there is "
            "just one."
        ),
    )
    key_name = forms.ChoiceField(
        label=_("Key pair"),
        required=False,
        help_text=_("Without one nobody can log in by SSH."),
    )
    duration = forms.CharField(
        label=_("Duration"),
        required=False,
        help_text=_(
            "From its start on: 8h, 30m, 2d, 1h30m. Empty: until you end it."
        ),
    )
    nodes = forms.IntegerField(
        label=_("Servers"),
        min_value=1,
        max_value=64,
        initial=1,
        help_text=_(
            "Each with these GPUs; they start together or not at all."
        ),
    )
    security_groups = forms.MultipleChoiceField(
        label=_("Security groups"),
        required=False,
        widget=forms.CheckboxSelectMultiple(),
        help_text=_("What the network lets through. None: the default one."),
    )
    pool = forms.ChoiceField(
        label=labels.POOL,
        required=False,
        help_text=_("The group of hosts that it starts on."),
    )
    user_data = forms.CharField(
        label=_("User data"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
        help_text=_(
            "A script or cloud-config for cloud-init, up to 48 KiB. It is "
            "forgotten when the lease is active."
        ),
    )

    #: Fields that most orders need no look at.
    MORE = ("nodes", "security_groups", "pool", "user_data")
    #: Fields of which something can be said while one types.
    CHECKED = ("flavor", "name", "duration", "nodes", "user_data")

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        none = [("", _("None"))]
        self._choose("flavor", choices.flavors(request))
        self._choose("image", choices.images(request))
        self._choose("networks", choices.networks(request))
        self._choose("key_name", none + choices.key_pairs(request))
        self._choose("security_groups", choices.security_groups(request))
        self._choose("pool", choices.pools(request))
        if len(self.fields["pool"].choices) < 2:
            del self.fields["pool"]
        for name in self.CHECKED:
            self.fields[name].widget.attrs["data-gpu-check"] = name

    def _choose(self, name: str, found: choices.Choices) -> None:
        """The only thing there is to choose is chosen."""
        field = self.fields[name]
        field.choices = found
        real = [value for value, _words in found if value]
        if len(real) == 1 and name != "security_groups":
            single = not isinstance(field, forms.MultipleChoiceField)
            field.initial = real[0] if single else real

    @property
    def first(self) -> list[Any]:
        seen = self.visible_fields()
        return [one for one in seen if one.name not in self.MORE]

    @property
    def more(self) -> list[Any]:
        return [self[name] for name in self.MORE if name in self.fields]

    def more_is_open(self) -> bool:
        """What was filled in wrongly has to be seen."""
        return any(name in self.errors for name in self.MORE)

    def clean_name(self) -> str:
        return checks.name(self.cleaned_data["name"])

    def clean_duration(self) -> int | None:
        return checks.duration(self.cleaned_data["duration"])

    def clean_user_data(self) -> str:
        return checks.user_data(self.cleaned_data["user_data"])

    def act(self, request: Any, data: dict[str, Any]) -> lease_sdk.Lease:
        return api.order(request, **_attrs(data))

    def done(self, data: dict[str, Any], made: lease_sdk.Lease) -> str:
        return str(_("%(name)s is ordered.") % {"name": made.name})

    def refused(self, error: errors.BrokerError) -> None:
        """Who goes back to the page and changes it wants something else."""
        if not error.taken or error.field != "id":
            super().refused(error)
            return
        sent = self.data.copy()
        sent["order_id"] = str(uuid.uuid4())
        self.data = sent
        self.add_error(
            None,
            _(
                "Something else was ordered with this page already. Order "
                "again to get this, too."
            ),
        )


def _attrs(data: dict[str, Any]) -> dict[str, Any]:
    """An order as the API takes it."""
    workload = {
        "type": "server",
        "image": data["image"],
        "networks": [{"network": one} for one in data["networks"]],
        "key_name": data["key_name"],
        "security_groups": data["security_groups"],
        "user_data": data["user_data"],
    }
    order = {
        "id": str(data["order_id"] or ""),
        "name": data["name"],
        "flavor": data["flavor"],
        "nodes": data["nodes"],
        "pool": data.get("pool"),
        "duration": data["duration"],
        "workload": {key: value for key, value in workload.items() if value},
    }
    return {key: value for key, value in order.items() if value}


class Extend(judged.Form):
    by = forms.CharField(
        label=_("How much longer"),
        help_text=_("2h, 30m, 1d, 1h30m"),
        widget=forms.TextInput(attrs={"data-gpu-check": "by"}),
    )

    def clean_by(self) -> int | None:
        return checks.duration(self.cleaned_data["by"])

    def act(self, request: Any, data: dict[str, Any]) -> lease_sdk.Lease:
        return api.extend(request, self.initial["lease"].id, data["by"])

    def done(self, data: dict[str, Any], made: lease_sdk.Lease) -> str:
        return str(_("%(name)s is extended.") % {"name": made.name})

    def refused(self, error: errors.BrokerError) -> None:
        """There is but one thing that can be wrong."""
        self.add_error("by", str(error))
