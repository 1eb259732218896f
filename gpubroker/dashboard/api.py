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

"""The one place where the panels talk to the service.

With the token of who is signed in, so that the service decides what they
may see; through the SDK, as any other client.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from django.conf import settings
from django.utils.translation import gettext as _
from horizon.utils import memoized
from keystoneauth1 import discover
from keystoneauth1 import exceptions as ksa_exceptions
from keystoneauth1 import session
from keystoneauth1 import token_endpoint
from openstack import connection
from openstack import exceptions as sdk_exceptions
from openstack_auth import utils as auth_utils
from openstack_dashboard.api import base

from gpubroker.client import errors as client_errors
from gpubroker.client import sdk
from gpubroker.client.sdk import event as event_sdk
from gpubroker.client.sdk import flavor as flavor_sdk
from gpubroker.client.sdk import lease as lease_sdk
from gpubroker.client.sdk import model as model_sdk
from gpubroker.client.sdk import offer as offer_sdk
from gpubroker.client.sdk import pool as pool_sdk
from gpubroker.dashboard import errors

#: The service's code for a name that is taken.
_DUPLICATE = "gpubroker.duplicate"


def broker(request: Any) -> sdk.Proxy:
    """The service, for who makes this request."""
    return cast(sdk.Proxy, _broker(request))


Event = TypeVar("Event")


class _Session(session.Session):
    """One whose requests keystoneauth does not log, at debug level: an order
    has its user's data, and a lease the way to the consoles of its servers.
    Horizon's log is none of theirs."""

    def request(self, *args: Any, **options: Any) -> Any:
        options.setdefault("log", False)
        return super().request(*args, **options)


@memoized.memoized
def _broker(request: Any) -> sdk.Proxy:
    insecure = settings.OPENSTACK_SSL_NO_VERIFY
    asked = _Session(
        discovery_cache=documents(int(time.monotonic() / KEPT)),
        original_ip=auth_utils.get_client_ip(request),
        verify=False if insecure else settings.OPENSTACK_SSL_CACERT or True,
    )
    token = request.user.token.id
    catalogued = base.url_for(request, sdk.SERVICE_TYPE)
    address = _versioned(asked, catalogued)
    asked.auth = token_endpoint.Token(address, token)
    conn = connection.Connection(
        session=asked,
        region_name=request.user.services_region,
        app_name="horizon",
        # Or the SDK looks for it at every page.
        gpu_broker_endpoint_override=address,
    )
    return sdk.add_to(conn)


#: Seconds for which it is known which versions the service has: one that was
#: changed is found without a new start of Horizon.
KEPT = 300.0


@functools.lru_cache(maxsize=1)
def documents(_period: int) -> dict[str, discover.Discover]:
    """What services say of their versions, by address; keystoneauth fills it.

    Or it would be asked for at every page. They say the same to everybody,
    and are asked without a token, so that all who are signed in share it.
    """
    return {}


def _versioned(asked: session.Session, url: str) -> str:
    """The address of version 1; the catalogue has that of all versions.

    With a token and an address keystoneauth looks for no version by itself.
    """
    found = discover.get_discovery(asked, url, authenticated=False)
    return str(found.url_for(sdk.Proxy.api_version) or url)


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turn what the SDK raises into the panels' own errors."""
    try:
        yield
    except client_errors.NotFound as error:
        raise errors.NotFound(str(error)) from error
    except client_errors.ServiceError as error:
        if error.status_code == 401:
            raise errors.SignInAgain(str(error)) from error
        taken = error.code == _DUPLICATE
        raise errors.BrokerError(str(error), error.field, taken) from error
    except (
        sdk_exceptions.SDKException,
        ksa_exceptions.ClientException,
    ) as error:
        raise errors.BrokerError(
            _("The GPU service does not answer. Try again in a moment.")
        ) from error


def offers(request: Any) -> list[offer_sdk.Offer]:
    """What could start now, an offer for each flavor."""
    with told():
        return list(broker(request).offers())


@dataclass(frozen=True, slots=True)
class Page:
    """Some of many leases.

    :ivar more: whether there are others beyond it, in the direction that
        was asked for.
    """

    leases: list[lease_sdk.Lease]
    more: bool


def leases(
    request: Any,
    size: int,
    marker: str | None = None,
    newest_first: bool = True,
    **filters: Any,
) -> Page:
    """A page of the project's leases, by the time of their order.

    :param marker: the id of the lease that the page comes after.
    :param filters: state, flavor and the others of the API.
    """
    with told():
        found = list(
            broker(request).leases(
                paginated=False,
                # One more than is shown tells whether there are others.
                limit=size + 1,
                marker=marker,
                sort_key="requested_at",
                sort_dir="desc" if newest_first else "asc",
                **filters,
            )
        )
    return Page(found[:size], len(found) > size)


def lease(
    request: Any, lease_id: str, console: bool = False
) -> lease_sdk.Lease:
    """:param console: ask for addresses of consoles, which takes longer."""
    with told():
        return broker(request).get_lease(lease_id, console=console)


def lease_events(
    request: Any, lease_id: str, size: int, marker: str | None = None
) -> tuple[list[event_sdk.LeaseEvent], bool]:
    """Some of a lease's history, the newest first, and whether there is
    more of it.

    :param marker: the id of the event that they come before.
    """
    return newest(broker(request).lease_events, lease_id, size, marker)


def newest(
    ask: Callable[..., Iterable[Event]],
    of: str,
    size: int,
    marker: str | None,
) -> tuple[list[Event], bool]:
    """A page of a history, and whether there is more of it: one more than is
    shown tells.

    :param ask: of the SDK.
    :param of: the id of whose history it is.
    """
    with told():
        found = list(
            ask(
                of,
                paginated=False,
                limit=size + 1,
                marker=marker,
                sort_key="id",
                sort_dir="desc",
            )
        )
    return found[:size], len(found) > size


def order(request: Any, **attrs: Any) -> lease_sdk.Lease:
    """:raises BrokerError: with the field of the order that was wrong."""
    with told():
        return broker(request).create_lease(**attrs)


def extend(request: Any, lease_id: str, seconds: int) -> lease_sdk.Lease:
    with told():
        return broker(request).extend_lease(lease_id, by=seconds)


def end(request: Any, lease_id: str) -> None:
    """Ends it; one that is over already stays as it is."""
    with told():
        broker(request).delete_lease(lease_id, ignore_missing=False)


def offer(request: Any, flavor: str) -> offer_sdk.Offer | None:
    """What could start now of one flavor."""
    with told():
        return next(iter(broker(request).offers(flavor=flavor)), None)


def pools(request: Any) -> list[pool_sdk.Pool]:
    with told():
        return list(broker(request).pools())


def flavors(request: Any) -> list[flavor_sdk.Flavor]:
    with told():
        return list(broker(request).flavors())


def models(request: Any) -> list[model_sdk.Model]:
    with told():
        return list(broker(request).models())
