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
"""What to try when a lease has failed, by what the service and Nova say."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

#: The first that is found in the reason counts.
_KNOWN = (
    (
        r"quota",
        gettext_lazy(
            "Order fewer or smaller servers, delete what you no longer need, "
            "or ask the operators for more quota. Project > Compute > "
            "Overview shows what is used."
        ),
    ),
    (
        r"identity lost|trust",
        gettext_lazy(
            "Sign in with your password or by single sign-on, not with an "
            "application credential, and order again."
        ),
    ),
    (
        r"network|subnet|\bport\b|address|\bip\b",
        gettext_lazy(
            "Order again with another network, or make room in this one: "
            "Project > Network > Networks shows what is in use."
        ),
    ),
    (
        r"key ?pair|key_name",
        gettext_lazy("Order again with a key pair that exists."),
    ),
    (
        r"image|did not come up",
        gettext_lazy(
            "Try the image in a small ordinary server, or order again with "
            "another image."
        ),
    ),
    (
        r"role|rights|disabled",
        gettext_lazy(
            "Ask who administers your project for the role that is missing, "
            "then order again."
        ),
    ),
)


def after_failure(reason: str) -> str:
    for pattern, words in _KNOWN:
        if re.search(pattern, reason, re.IGNORECASE):
            return str(words)
    return _(
        "Order again. If it fails for the same reason, give the operators "
        "the id of this lease."
    )
