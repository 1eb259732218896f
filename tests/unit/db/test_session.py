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

"""How the engine is set up, and what its errors become."""

from __future__ import annotations

import sqlite3

import testtools
from oslo_db import exception as db_exc
from sqlalchemy import exc as sa_exc

from gpubroker import errors
from gpubroker.db import session
from tests.fixtures import database


class FacadeTest(testtools.TestCase):
    def parameters(self, url: str, given: str = "") -> str | None:
        options = dict(database.configuration(url).database.items())
        options["connection_parameters"] = given
        made = session.facade(options)._factory._engine_cfg
        found: str | None = made["connection_parameters"]
        return found

    def test_mariadb_speaks_all_of_unicode(self) -> None:
        url = "mysql+pymysql://u@127.0.0.1/x"
        self.assertEqual("charset=utf8mb4", self.parameters(url))
        self.assertEqual(
            "ssl_ca=/ca&charset=utf8mb4", self.parameters(url, "ssl_ca=/ca")
        )

    def test_what_an_operator_set_stays(self) -> None:
        url = "mysql+pymysql://u@127.0.0.1/x"
        self.assertEqual("", self.parameters(f"{url}?charset=utf8"))
        self.assertEqual("charset=utf8", self.parameters(url, "charset=utf8"))

    def test_others_need_nothing(self) -> None:
        for url in ("sqlite:///x", "postgresql+psycopg2://u@127.0.0.1/x"):
            self.assertEqual("", self.parameters(url))


class TranslationTest(testtools.TestCase):
    def outward(self, error: Exception) -> Exception:
        try:
            with session.translated():
                raise error
        except Exception as found:
            return found

    def test_lost_transactions_can_be_known_by_their_cause(self) -> None:
        nested = db_exc.DBError("SAVEPOINT does not exist")
        nested.cause = db_exc.DBDeadlock("deadlock")
        for error, outward in (
            (db_exc.DBDeadlock("deadlock"), errors.ConcurrentUpdate),
            (nested, errors.ConcurrentUpdate),
            (db_exc.DBConnectionError("gone"), errors.Unavailable),
            (
                sa_exc.OperationalError("x", {}, Exception("locked")),
                errors.Unavailable,
            ),
        ):
            found = self.outward(error)
            self.assertIsInstance(found, outward)
            self.assertIsInstance(found.__cause__, session.LOST)

    def test_what_cannot_help_to_repeat_is_not_lost(self) -> None:
        for error in (
            db_exc.DBNonExistentTable(
                "pool", sqlite3.OperationalError("no such table: pool")
            ),
            db_exc.CantStartEngineError("no connection"),
        ):
            found = self.outward(error)
            self.assertIsInstance(found, errors.Unavailable)
            self.assertNotIsInstance(found.__cause__, session.LOST)

    def test_a_clash_that_no_repository_expected(self) -> None:
        for error in (
            db_exc.DBDuplicateEntry(["x"]),
            db_exc.DBReferenceError("t", "c", "k", "kt"),
        ):
            self.assertIsInstance(self.outward(error), errors.ConcurrentUpdate)

    def test_a_mistake_of_ours_stays_one(self) -> None:
        for error in (
            sa_exc.InvalidRequestError("x"),
            ValueError("x"),
            errors.NotFound("x"),
        ):
            self.assertIs(error, self.outward(error))

    def test_reason_has_no_statement_and_no_parameters(self) -> None:
        inner = Exception("(1045, 'Access denied')")
        wrapped = db_exc.DBError(
            sa_exc.OperationalError("SELECT 1", {"p": "S3cret"}, inner)
        )
        self.assertEqual("(1045, 'Access denied')", session.reason(wrapped))
