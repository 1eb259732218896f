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

"""What a pool does, in the person's language."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from gpubroker.client.sdk import pool as pool_sdk

#: What becomes of a card that was never seen before.
ADMISSIONS = {
    "manual": gettext_lazy("An operator admits each new GPU"),
    "automatic": gettext_lazy("New GPUs are given out at once"),
}


def admission(pool: pool_sdk.Pool) -> str:
    return str(ADMISSIONS.get(pool.admission, pool.admission))
