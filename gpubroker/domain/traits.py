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

"""A trait of a provider, with where it came from."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Source(enum.StrEnum):
    """Where the broker has it from."""

    PLACEMENT = "placement"
    """Read from the provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTrait:
    """:param device_id: the card, or none for a trait of the host itself."""

    trait: str
    source: Source
    host: str
    device_id: str | None = None

    @property
    def key(self) -> str:
        """Names it in a list; the marker of a page."""
        return "/".join(
            (self.host, self.device_id or "", self.trait, self.source)
        )


#: Slot traits: ``CUSTOM_GPUBROKER_SLOT_<n>`` on the provider of a card.
SLOT_PREFIX = "CUSTOM_GPUBROKER_SLOT_"
