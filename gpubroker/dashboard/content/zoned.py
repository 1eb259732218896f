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

"""Times in the zone of who looks."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.views import generic
from horizon.utils import functions


class Zoned(generic.View):
    """Also in what a script asks for: Horizon's middleware sets the zone for
    whole pages only, and a thread has that of its last one."""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        # Not for this call alone: lists are rendered after it.
        timezone.activate(functions.get_timezone(request))
        return super().dispatch(request, *args, **kwargs)
