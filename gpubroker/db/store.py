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

"""The store: every repository inside one transaction."""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Callable, Iterator
from typing import TypeVar

import sqlalchemy as sa
from oslo_config import cfg
from sqlalchemy import engine as sa_engine
from sqlalchemy import orm

from gpubroker import errors
from gpubroker.db import census
from gpubroker.db import claims
from gpubroker.db import devices
from gpubroker.db import events
from gpubroker.db import failures
from gpubroker.db import fences
from gpubroker.db import flavors
from gpubroker.db import hosts
from gpubroker.db import installation
from gpubroker.db import key_files
from gpubroker.db import leases
from gpubroker.db import marks
from gpubroker.db import models
from gpubroker.db import pools
from gpubroker.db import purge
from gpubroker.db import seal
from gpubroker.db import session as db_session
from gpubroker.db import standing
from gpubroker.db import steps
from gpubroker.db import tallies
from gpubroker.db import traits
from gpubroker.db import trusts
from gpubroker.db import workers
from gpubroker.services import jitter
from gpubroker.services import ports

T = TypeVar("T")

#: Seconds between the tries of ``run``; each is stretched by chance so that
#: two that lost to each other do not meet again.
PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)

#: How the engines with a machine of their own are asked for its time, which
#: is naive then, in UTC.
_NOW = {
    "mysql": "SELECT UTC_TIMESTAMP(6)",
    "mariadb": "SELECT UTC_TIMESTAMP(6)",
    "postgresql": "SELECT timezone('utc', clock_timestamp())",
}


class Transaction:
    """The repositories on one session."""

    def __init__(
        self, session: orm.Session, clock: ports.Clock, secret: seal.Seal
    ) -> None:
        self.installation: ports.Installation = installation.Installation(
            session, clock
        )
        self.models: ports.Models = models.Models(session, clock)
        self.flavors: ports.Flavors = flavors.Flavors(session, clock)
        self.pools: ports.Pools = pools.Pools(session, clock)
        self.workers: ports.Workers = workers.Workers(session, clock)
        self.hosts: ports.Hosts = hosts.Hosts(session, clock)
        self.devices: ports.Devices = devices.Devices(session, clock)
        self.standing: ports.Standing = standing.Standing(session, clock)
        self.fences: ports.Fences = fences.Fences(session, clock)
        self.failures: ports.Failures = failures.Failures(session, clock)
        self.traits: ports.Traits = traits.Traits(session, clock)
        self.leases: ports.Leases = leases.Leases(session, clock, secret)
        self.claims: ports.Claims = claims.Claims(session, clock)
        self.steps: ports.Steps = steps.Steps(session, clock)
        self.trusts: ports.Trusts = trusts.Trusts(session, clock)
        self.events: ports.Events = events.Events(session, clock)
        self.purge: ports.Purge = purge.Purge(session, clock)
        self.census: ports.Census = census.Census(session, clock)


class Store:
    """``ports.Store`` on SQLite, MariaDB or PostgreSQL.

    Connects when it is first used, so that a process may fork before.
    Transactions of one store do not know of each other; on SQLite there is
    one writer at a time, the next one waits.

    :param conf: with oslo.db's group ``database`` and the group
        ``encryption`` registered.
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        clock: ports.Clock,
        meter: ports.Meter | None = None,
    ) -> None:
        self._clock = clock
        self._meter = meter or ports.Uncounted()
        self._facade = db_session.facade(dict(conf.database.items()))
        self._process: int | None = None
        self._seal = seal.Seal(conf.encryption.key_repository)

    @property
    def engine(self) -> sa_engine.Engine:
        """:raises Unavailable: when what is configured is no database."""
        return self._connect()

    def _connect(self) -> sa_engine.Engine:
        with db_session.translated():
            made: sa_engine.Engine = self._facade.writer.get_engine()
        here = os.getpid()
        if self._process not in (None, here):
            # Connections that came over a fork belong to the parent: to
            # close them here would be to say goodbye in its name.
            made.dispose(close=False)
        self._process = here
        return made

    @contextlib.contextmanager
    def _session(self, *, writes: bool) -> Iterator[orm.Session]:
        with self._counted():
            self._connect()
            with db_session.transaction(self._facade, writes=writes) as found:
                yield found

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except (errors.Unavailable, errors.ConcurrentUpdate) as error:
            # A use case may raise them for reasons of its own.
            if db_session.of_engine(error.__cause__):
                away = isinstance(error, errors.Unavailable)
                self._meter.troubled(
                    ports.Trouble.UNAVAILABLE
                    if away
                    else ports.Trouble.CONFLICT
                )
            raise

    @contextlib.contextmanager
    def read(self) -> Iterator[ports.Transaction]:
        """A snapshot; nothing can be written.

        :raises Unavailable: when the database does not answer.
        """
        with self._session(writes=False) as session:
            yield Transaction(session, self._clock, self._seal)

    @contextlib.contextmanager
    def write(self) -> Iterator[ports.Transaction]:
        """Commits at the end; of a transaction that raised nothing stays.

        :raises Unavailable: when the database does not answer.
        :raises ConcurrentUpdate: when it was lost to a deadlock.

        After both all of it may be done again: a use case writes only in
        here, so that a second run starts from what stands.
        """
        with self._session(writes=True) as session:
            yield Transaction(session, self._clock, self._seal)
            marks.write(session)
        tallies.tell(session, self._meter)

    def run(self, work: Callable[[ports.Transaction], T]) -> T:
        """``work`` in a transaction that writes, again when it was lost.

        ``work`` may run several times and must do nothing but read and write
        in the transaction it is given. If the connection broke at the very
        commit, the first run may stand: a generation or a name that is
        taken then tells.
        """
        for pause in PAUSES:
            try:
                with self.write() as tx:
                    return work(tx)
            except (errors.Unavailable, errors.ConcurrentUpdate) as error:
                if not db_session.lost(error.__cause__):
                    raise
            self._meter.repeated()
            self._clock.sleep(jitter.spread(pause))
        with self.write() as tx:
            return work(tx)

    def now(self) -> datetime.datetime:
        with self._session(writes=False) as session:
            asked = _NOW.get(session.get_bind().dialect.name)
            if asked is None:
                return self._clock.now()
            found: datetime.datetime = session.execute(
                sa.text(asked)
            ).scalar_one()
        return found.replace(tzinfo=datetime.UTC)

    @property
    def keys(self) -> key_files.KeyFiles:
        """Those that encrypt user data."""
        return self._seal.files

    def ping(self) -> None:
        with self._session(writes=False) as session:
            session.execute(sa.text("SELECT 1"))

    def close(self) -> None:
        """Let go of every connection."""
        self._facade.dispose_pool()
