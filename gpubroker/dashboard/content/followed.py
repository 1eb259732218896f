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

"""What a script asks for again and again, to put it into a page."""

from __future__ import annotations

from typing import Any

from django import http
from django.views import generic

from gpubroker.dashboard import errors


class Followed(generic.View):
    """Says by its status that it has nothing new.

    Horizon's own way for what fails is to lead to another page, which would
    leave the script with an empty one. Whose session is over is led to the
    login all the same.
    """

    def lead_back(self) -> None:
        """Nowhere; see ``chosen.OfOne``."""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().dispatch(request, *args, **kwargs)
        except errors.NotFound:
            return http.HttpResponse(status=404)
        except errors.SignInAgain:
            raise
        except errors.BrokerError:
            return http.HttpResponse(status=503)
