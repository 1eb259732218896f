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

"""The operator's policy file."""

from __future__ import annotations

from collections.abc import Mapping

from gpubroker.services.checks import finding as f
from gpubroker.services.checks.mistakes import Mistake

#: Rules that let everybody through.
_OPEN = ("", "@")


def policy(
    written: Mapping[str, object], known: Mapping[str, str]
) -> f.Findings:
    """
    :param written: rule -> check, in the file.
    :param known: rule -> check, as gpubroker defines them.
    """
    strange = {
        name
        for name in written.keys() - known.keys()
        if name.startswith("gpubroker:")
    }
    if strange:
        yield f.warning(
            Mistake.POLICY_UNKNOWN,
            f"The policy file names {f.words(strange)}, which gpubroker does "
            "not know, so that nothing reads them. Compare with "
            '"oslopolicy-sample-generator --namespace gpubroker".',
        )
    opened = {
        name
        for name, check in written.items()
        if str(check or "").strip() in _OPEN
        and known.get(name, "@").strip() not in _OPEN
    }
    if opened:
        yield f.warning(
            Mistake.POLICY_OPEN,
            f"The policy file opens {f.words(opened)} to everybody who has a "
            "token, of whatever project. Write who may do it, such as "
            '"role:admin".',
        )
