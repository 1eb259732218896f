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

"""Short labels that Horizon has as well.

The words of a plugin come before Horizon's own: without a context ours would
be said on its pages, too.
"""

from __future__ import annotations

from django.utils.translation import pgettext_lazy

ANY = pgettext_lazy("GPU", "Any")
DELETE = pgettext_lazy("GPU", "Delete")
FLAVORS = pgettext_lazy("GPU", "Flavors")
HOST = pgettext_lazy("GPU", "Host")
POOL = pgettext_lazy("GPU", "Pool")
