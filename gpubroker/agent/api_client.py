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


"""The agent's side of the gpubroker API: one request."""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass
from typing import Any

from keystoneauth1 import adapter as ksa_adapter
from keystoneauth1 import exceptions as ksa_exceptions
from keystoneauth1 import loading
from oslo_config import cfg

from gpubroker import errors
from gpubroker import versions
from gpubroker.conf import agent_auth

# The first version with everything a report has: an older or newer API, as
# long as it still speaks it, takes the report of this agent.
_MICROVERSION = "1.0"

_MOST_WORDS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """:param interval: seconds until the next report is wanted, None when
        the API leaves it to the agent.
    :param claimed: addresses of cards that are a lease's, or about to be.
    """

    claimed: frozenset[str]
    interval: float | None = None


class ApiClient:
    """The API under the identity of ``[agent_auth]``."""

    def __init__(self, adapter: ksa_adapter.Adapter, host: str) -> None:
        self._adapter = adapter
        self._path = f"/v1/hosts/{urllib.parse.quote(host, safe='')}/report"

    def report(self, body: bytes) -> Reply:
        """Send one report.

        :raises Forbidden: not enrolled, or for another host; Rejected: the
            API does not take this report; Unavailable: try again.
        """
        try:
            response = self._adapter.put(
                self._path,
                data=body,
                headers={
                    "Content-Type": "application/json",
                    "Accept": "application/json",
                },
                microversion=_MICROVERSION,
                microversion_service_type=versions.SERVICE_TYPE,
            )
        except ksa_exceptions.HttpError as error:
            raise _refusal(error) from error
        except ksa_exceptions.ClientException as error:
            raise errors.Unavailable(str(error)) from error
        try:
            return _reply(response.json())
        except (ValueError, TypeError, LookupError) as error:
            raise errors.Unavailable(
                f"{response.url} does not answer as the gpubroker API does"
            ) from error


def connect(conf: cfg.ConfigOpts) -> ApiClient:
    """A client of the configured identity; nothing is sent yet.

    :raises Invalid: when ``[agent_auth]`` is incomplete.
    """
    group = agent_auth.GROUP
    try:
        auth = loading.load_auth_from_conf_options(conf, group)
        session = loading.load_session_from_conf_options(
            conf, group, auth=auth
        )
        adapter = loading.load_adapter_from_conf_options(
            conf, group, session=session
        )
    except (ksa_exceptions.ClientException, cfg.Error) as error:
        raise errors.Invalid(f"[{group}]: {error}") from error
    if conf.agent.api_endpoint:
        adapter.endpoint_override = conf.agent.api_endpoint.rstrip("/")
    return ApiClient(adapter, conf.agent.host)


def _reply(body: dict[str, Any]) -> Reply:
    claimed = frozenset(str(address) for address in body["claimed"])
    interval = body.get("interval")
    if isinstance(interval, bool) or not isinstance(interval, int | float):
        interval = None
    return Reply(claimed=claimed, interval=interval)


def _refusal(error: ksa_exceptions.HttpError) -> errors.GpubrokerError:
    status = int(error.http_status)
    words = f"{status}: {_words(error)}"
    if status in (401, 403):
        return errors.Forbidden(words)
    if status >= 500 or status in (408, 429):
        return errors.Unavailable(words)
    return errors.Rejected(words)


def _words(error: ksa_exceptions.HttpError) -> str:
    """The API's own sentence where there is one."""
    detail: Any = error.message
    if error.response is not None:
        try:
            detail = error.response.json()["errors"][0]["detail"]
        except (ValueError, TypeError, LookupError):
            detail = error.message
    return str(detail)[:_MOST_WORDS]
