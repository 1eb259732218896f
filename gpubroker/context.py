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

"""Who asks: the request context, handed from room to room as an argument."""

from __future__ import annotations

from typing import Any

from oslo_context import context


class RequestContext(context.RequestContext):
    """An oslo.context with the facts of the token that the broker needs.

    :param token_info: Keystone's answer to the validation of the token; only
        present in the API process and never serialized.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.token_info: dict[str, Any] = kwargs.pop("token_info", {})
        super().__init__(*args, **kwargs)

    @classmethod
    def from_environ(
        cls, environ: dict[str, Any], **kwargs: Any
    ) -> RequestContext:
        kwargs.setdefault("token_info", environ.get("keystone.token_info", {}))
        made: RequestContext = super().from_environ(environ, **kwargs)
        return made
