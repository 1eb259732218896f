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


"""A model as the API shows it."""

from __future__ import annotations

from typing import Any

from gpubroker.api.call import Call
from gpubroker.api.views import times
from gpubroker.domain import models


def show(call: Call, model: models.Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "family": model.family,
        "vendor": model.vendor,
        "vendor_id": model.vendor_id,
        "product_ids": list(model.product_ids),
        "subsystem_ids": list(model.subsystem_ids),
        "memory_mib": model.memory_mib,
        "resource_class": model.resource_class,
        "alias": model.alias,
        "device_type": model.device_type,
        "board_slots": model.board_slots,
        "blocks": [list(block) for block in model.blocks],
        "builtin": model.builtin,
        "generation": model.generation,
        **times.stamps(model),
        "links": call.link("models", model.name),
    }
