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

"""A placement.conf that lies on this machine."""

from __future__ import annotations

from gpubroker.services.checks import finding as f
from gpubroker.services.checks.mistakes import Mistake
from gpubroker.services.checks.nova_conf import File
from gpubroker.services.checks.placement import MEND_RETRIES

#: Placement's own default.
_DEFAULT = "10"


def check(file: File) -> f.Findings:
    stands = file.last("placement", "allocation_conflict_retry_count")
    if stands != "1":
        yield f.failure(
            Mistake.FILE_RETRY_COUNT,
            f"{file.path} lets Placement repeat a claim "
            f"{stands or _DEFAULT} times by itself, by which two servers can "
            f"get one card. {MEND_RETRIES}",
        )
    yield f.fact(f"{file.path} is as it should be.")
