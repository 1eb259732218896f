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

"""Column types settle what the engines disagree about."""

from __future__ import annotations

import datetime

import sqlalchemy as sa
import testtools
from sqlalchemy import engine

from gpubroker import errors
from gpubroker.db import base
from gpubroker.domain import leases

DIALECTS: tuple[engine.Dialect, ...] = tuple(
    sa.create_mock_engine(url, lambda *args: None).dialect
    for url in ("sqlite://", "mysql+pymysql://", "postgresql+psycopg2://")
)
_, MYSQL, POSTGRESQL = DIALECTS
ZONE = datetime.timezone(datetime.timedelta(hours=-7))


class MomentTest(testtools.TestCase):
    def test_aware_outside_naive_utc_inside(self) -> None:
        local = datetime.datetime(2026, 1, 1, 20, 0, 0, 5, ZONE)
        for dialect in DIALECTS:
            stored = base.Moment().process_bind_param(local, dialect)
            self.assertEqual(datetime.datetime(2026, 1, 2, 3, 0, 0, 5), stored)
            back = base.Moment().process_result_value(stored, dialect)
            self.assertEqual(local, back)

    def test_a_time_without_a_zone_is_a_mistake(self) -> None:
        naive = datetime.datetime(2026, 1, 1)
        self.assertRaises(
            ValueError, base.Moment().process_bind_param, naive, DIALECTS[0]
        )

    def test_mariadb_keeps_microseconds(self) -> None:
        spelled = base.Moment().compile(dialect=MYSQL)
        self.assertEqual("DATETIME(6)", spelled)


class TextTest(testtools.TestCase):
    def test_what_fits_everywhere(self) -> None:
        for text in ("", "x" * 8, "ü🚀", "a\nb"):
            for kind in (base.Line(8), base.LongText()):
                self.assertEqual(
                    text, kind.process_bind_param(text, DIALECTS[0])
                )

    def test_what_does_not(self) -> None:
        for text in ("\x00", "a\udfffb"):
            for kind in (base.Line(8), base.LongText()):
                self.assertRaises(
                    errors.Invalid,
                    kind.process_bind_param,
                    text,
                    DIALECTS[0],
                )
        self.assertRaises(
            errors.Invalid,
            base.Line(8).process_bind_param,
            "x" * 9,
            DIALECTS[0],
        )

    def test_the_message_does_not_repeat_a_megabyte(self) -> None:
        error = self.assertRaises(
            errors.Invalid,
            base.Line().process_bind_param,
            "x" * 1_000_000,
            DIALECTS[0],
        )
        self.assertLess(len(error.message), 200)

    def test_postgresql_compares_by_code_point(self) -> None:
        spelled = base.Line(8).compile(dialect=POSTGRESQL)
        self.assertEqual('VARCHAR(8) COLLATE "C"', spelled)


class WordTest(testtools.TestCase):
    def test_a_word_comes_back_as_its_enum(self) -> None:
        kind = base.Word(leases.State)
        stored = kind.process_bind_param(leases.State.ENDED, DIALECTS[0])
        self.assertIs(str, type(stored))
        self.assertIs(
            leases.State.ENDED, kind.process_result_value(stored, DIALECTS[0])
        )

    def test_a_filter_may_ask_for_a_word_that_is_none(self) -> None:
        kind = base.Word(leases.State)
        self.assertEqual("x", kind.process_bind_param("x", DIALECTS[0]))


class JsonTest(testtools.TestCase):
    def test_the_same_bytes_for_the_same_value(self) -> None:
        kind = base.Json()
        one = kind.process_bind_param({"b": 1, "a": ("ü",)}, DIALECTS[0])
        two = kind.process_bind_param({"a": ["ü"], "b": 1}, DIALECTS[1])
        self.assertEqual(one, two)
        self.assertEqual(
            {"a": ["ü"], "b": 1}, kind.process_result_value(one, DIALECTS[0])
        )
