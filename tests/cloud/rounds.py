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

"""The whole life of a lease, again and again, while something goes wrong."""

from __future__ import annotations

import contextlib
import datetime
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from keystoneauth1 import exceptions

from gpubroker.client import errors
from gpubroker.client import sdk
from sandbox.faults import rules
from sandbox.faults import service as faults
from tests.cloud import base
from tests.cloud import keeper
from tests.fixtures import effort
from tests.fixtures import hits

T = TypeVar("T")

FLAVOR = "vm.gpu.l40s.2"

#: Seconds from a fault until everything goes its way again.
CONVERGENCE = 60.0

#: After so many lives a request has to have been sent, be it by the clock.
_LIVES = 8
#: Seconds after a lease's end in which what was left for later is done.
_LATE = 10.0

#: Seconds until a killed process of the broker's is there again.
RESTART = 10.0
#: Seconds from the kill of one until nothing is left of a life.
AFTER_A_KILL = RESTART + CONVERGENCE

#: A host's provider of tickets is made for its first lease and stays.
_FOR_EVER = "placement POST /resource_providers"
#: Of an agent; not in every life, which is shorter than its interval.
_REPORT = "gpubroker PUT /v1/hosts/HOST/report"

#: Only the place of this name, or those in whose name it is, to try again
#: what failed.
PLACE = os.environ.get("GPUBROKER_TEST_PLACE", "")


def some(
    places: Sequence[T], count: int, name: Callable[[T], str] = str
) -> list[T]:
    """All of them in a long run, else as many, by the seed.

    :param name: as ``told`` says it when it fails.
    """
    if PLACE:
        found = [place for place in places if PLACE == name(place)]
        found = found or [place for place in places if PLACE in name(place)]
        if not found:
            raise LookupError(f"{PLACE} is none of {[*map(name, places)]}")
        return found
    if effort.LONG:
        return list(places)
    chosen = random.Random(effort.SEED).sample(range(len(places)), count)
    return [places[index] for index in sorted(chosen)]


def in_words(rule: rules.Rule) -> str:
    """What of the rule is set, in words."""
    return " ".join(map(str, rule.data().values()))


def writes(kind: str) -> bool:
    """Whether a kind of request may change something."""
    return kind.split()[1] in ("POST", "PUT", "DELETE", "PATCH")


def seeds(few: int, many: int) -> range:
    """Those to try: as many from the seed on."""
    return range(effort.SEED, effort.SEED + (many if effort.LONG else few))


class RoundsTest(base.CloudTest):
    """Needs the sandbox with ``--faults``.

    :ivar patience: seconds for a lease to get on; longer where faults go on.
    """

    patience = CONVERGENCE

    def setUp(self) -> None:
        super().setUp()
        self.faults = faults.connect(self.cloud.settings)
        self.faults.put()
        self.addCleanup(self.faults.put)
        self.useFixture(keeper.Keeper(self.cloud))

    # -- what there is -----------------------------------------------------

    def kinds_of_a_life(self) -> list[str]:
        """Every kind of request that the broker sends while any lease is
        ordered, started and ended."""
        return self.kinds_of(self.life)

    def kinds_of(self, life: Callable[[str], None]) -> list[str]:
        """In the order of the first of each.

        :param life: what is done, under a name.
        """
        while True:
            self.faults.forget()
            life("plain")
            self.nothing_left()
            # A card of a lease that is over is closed for a moment longer,
            # which is not for what the next story does to it.
            self.every_card_free(self.patience)
            kinds = dict.fromkeys(e["kind"] for e in self.faults.journal())
            if _FOR_EVER not in kinds and _REPORT in kinds:
                return list(kinds)

    # -- a round -----------------------------------------------------------

    def one_round(
        self,
        *wanted: rules.Rule,
        life: Callable[[str], None] | None = None,
        within: float | None = None,
    ) -> None:
        """A lease becomes active and ends although this goes wrong, and
        nothing is left of it. ``GPUBROKER_TEST_HITS`` lets go wrong what it
        says, and nothing else.

        :param life: does something else instead.
        :param within: seconds from the fault until all of that is over.
        """
        if hits.GIVEN:
            wanted = tuple(hits.played(hits.GIVEN))
        self.faults.forget()
        self.faults.put(*wanted)
        began = time.monotonic()
        try:
            self.lives_until_it_went_wrong(life or self.life)
        finally:
            self.faults.put()
        self.nothing_left(self.patience)
        self.every_card_free(self.patience)
        self.agents_are_back()
        base.assert_clean(base.audit(self.cloud))
        if within is not None:
            self.assertLess(time.time() - self.went_wrong(), within)
        took = time.monotonic() - began
        if effort.LONG:
            what = ", ".join(map(in_words, wanted))
            print(f"{took:6.1f} s  {what}", flush=True)

    def went_wrong(self) -> float:
        """When, at first, as Unix time."""
        return min(e["began"] for e in self.faults.journal() if e["fault"])

    def agents_are_back(self) -> None:
        """Where it was an agent that it went wrong for."""
        if not any(
            entry["fault"] and entry["client"] == "agent"
            for entry in self.faults.journal()
        ):
            return
        # The report that went wrong may itself have been heard.
        since = datetime.datetime.fromtimestamp(
            self.went_wrong() + 1, datetime.UTC
        )

        def all_report() -> bool:
            told = [
                host.agent["heartbeat_at"] for host in self.operator.hosts()
            ]
            return all(
                at and datetime.datetime.fromisoformat(at) > since
                for at in told
            )

        self.eventually("every agent reports", all_report, self.patience)

    def lives_until_it_went_wrong(self, life: Callable[[str], None]) -> None:
        """Not every life asks everything: a server that Nova has marked as
        deleted when it is looked for needs no second proof."""
        for _life in range(_LIVES):
            life("round")
            until = time.monotonic() + _LATE
            while not self.fired() and time.monotonic() < until:
                time.sleep(0.3)
            if self.fired():
                return
        asked = Counter(entry["kind"] for entry in self.faults.journal())
        self.fail(f"in {_LIVES} lives nothing went wrong: {dict(asked)}")

    def fired(self) -> list[str]:
        """A kill has to have hit somebody: who asks may be gone already."""
        return [
            str(entry["fault"])
            for entry in self.faults.journal()
            if entry["fault"]
            and (entry["killed"] or "kill" not in entry["fault"])
        ]

    def life(self, name: str) -> None:
        # With a token that no service has seen, or the API asks nobody.
        fresh = self.cloud.connection("sandbox")
        self.addCleanup(fresh.close)
        self.gpus = sdk.add_to(fresh)
        lease_id = self.ordered(name)
        self.until(lease_id, "active")
        self.assertEqual(1, len(self.servers()))
        self.ended(lease_id)

    def ended(self, lease_id: str) -> None:
        self.persist(lambda: self.gpus.delete_lease(lease_id))
        self.until(lease_id, "ended")

    def ordered(
        self, name: str, order: Callable[[], Any] | None = None
    ) -> str:
        """Order as a person does whose connection breaks: look whether the
        order was taken before giving it again.

        :param order: gives another than the usual one.
        """

        def attempt() -> str:
            known = [
                lease
                for lease in self.gpus.leases(name=name)
                if not lease.is_final
            ]
            if known:
                return str(known[0].id)
            found = order() if order else self.order(FLAVOR, name=name)
            return str(found.id)

        return self.persist(attempt)

    def until(
        self, lease_id: str, state: str, patience: float | None = None
    ) -> Any:
        patience = patience or self.patience
        lease = self.settled(
            lambda: self.persist(lambda: self.gpus.get_lease(lease_id)),
            lambda lease: lease.is_final or lease.state == state,
            patience,
        )
        if lease.state != state:
            self.fail(
                f"after {patience:.0f} s {lease_id} is not {state} but "
                f"{lease.state}: {lease.reason}"
            )
        return lease

    def persist(self, call: Any) -> Any:
        """What a person's script does when the API is away or a service
        behind it is: try again."""
        until = time.monotonic() + CONVERGENCE
        while True:
            try:
                return call()
            except exceptions.RetriableConnectionFailure:
                if time.monotonic() > until:
                    raise
            except errors.ServiceError as error:
                away = (error.status_code or 0) >= 500
                if not away or time.monotonic() > until:
                    raise
            time.sleep(0.5)

    @contextlib.contextmanager
    def told(self, what: str, by: str = "PLACE") -> Iterator[None]:
        """Say in a failure which round it was, and how to try it again.

        :param by: the variable that chooses it.
        """
        try:
            yield
        except Exception as error:
            where = hits.Where(
                variable=f"GPUBROKER_TEST_{by}",
                what=what,
                cloud=str(self.cloud.layout.state),
                test=self.id(),
            )
            told = hits.told(where, error, self.what_hit())
            raise AssertionError(told) from error

    def what_hit(self) -> str:
        """In this round, for ``GPUBROKER_TEST_HITS``."""
        try:
            return hits.recorded(self.faults.journal())
        except OSError:
            # The proxy itself is gone: the failure says that.
            return ""
