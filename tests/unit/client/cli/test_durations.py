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

from __future__ import annotations

import argparse
import datetime
import doctest

import hypothesis
import testtools
from hypothesis import strategies as st

from gpubroker.client.cli import durations


def load_tests(loader, tests, pattern):
    tests.addTests(doctest.DocTestSuite(durations))
    return tests


class ParsingDurations(testtools.TestCase):
    def test_units_and_their_sums(self):
        for text, seconds in (
            ("90s", 90),
            ("30m", 1800),
            ("8h", 28800),
            ("2d", 172800),
            ("1w", 604800),
            ("1h30m", 5400),
            ("1d12h", 129600),
            ("1H 30M", 5400),
            (" 8h ", 28800),
        ):
            self.assertEqual(seconds, durations.parse_duration(text), text)

    def test_what_is_no_duration_is_named_with_an_example(self):
        for text in ("", "h", "8 hours", "-8h", "1.5h", "8h!", "1e3s", "٣h"):
            error = self.assertRaises(
                argparse.ArgumentTypeError, durations.parse_duration, text
            )
            self.assertIn("is not a duration", str(error))
            self.assertIn("1h30m", str(error))

    def test_a_bare_number_is_refused_with_the_ways_to_write_it(self):
        error = self.assertRaises(
            argparse.ArgumentTypeError, durations.parse_duration, "8"
        )
        self.assertEqual("8 has no unit; write 8s, 8m, 8h or 8d", str(error))

    def test_units_out_of_order_or_twice_are_refused(self):
        for text in ("30m1h", "1h1h", "1h2d"):
            error = self.assertRaises(
                argparse.ArgumentTypeError, durations.parse_duration, text
            )
            self.assertIn("the larger first", str(error))

    def test_zero_is_refused(self):
        for text in ("0s", "0h0m"):
            self.assertRaises(
                argparse.ArgumentTypeError, durations.parse_duration, text
            )

    def test_a_megabyte_of_nonsense_is_not_echoed(self):
        for text in ("9" * 1_000_000, "x" * 1_000_000, "9" * 1_000_000 + "h"):
            error = self.assertRaises(
                argparse.ArgumentTypeError, durations.parse_duration, text
            )
            self.assertLess(len(str(error)), 300)

    @hypothesis.given(st.integers(1, 10**9))
    def test_what_is_written_in_full_reads_back(self, seconds):
        text = durations.format_duration(seconds, parts=4)
        self.assertEqual(seconds, durations.parse_duration(text))


class FormattingDurations(testtools.TestCase):
    def test_the_two_largest_units_are_shown(self):
        for seconds, text in (
            (0, "0s"),
            (0.4, "0s"),
            (59, "59s"),
            (3600, "1h"),
            (3661, "1h1m"),
            (86400, "1d"),
            (90061, "1d1h"),
            (694861, "8d1h"),
            (-90, "-1m30s"),
        ):
            self.assertEqual(text, durations.format_duration(seconds))


class ParsingTimes(testtools.TestCase):
    def test_every_zone_becomes_utc(self):
        for text in (
            "2026-12-01T08:00Z",
            "2026-12-01 08:00Z",
            "2026-12-01T09:00+01:00",
            "20261201T080000Z",
        ):
            self.assertEqual(
                "2026-12-01T08:00:00Z", durations.parse_time(text)
            )

    def test_a_time_without_a_zone_is_refused_with_the_way_out(self):
        error = self.assertRaises(
            argparse.ArgumentTypeError,
            durations.parse_time,
            "2026-12-01T08:00",
        )
        self.assertIn("add Z for UTC", str(error))

    def test_what_is_no_time_is_refused(self):
        for text in (
            "",
            "tomorrow",
            "2026-13-01T00:00Z",
            "0001-01-01T00:00+23:59",
        ):
            self.assertRaises(
                argparse.ArgumentTypeError, durations.parse_time, text
            )


class DistanceInTime(testtools.TestCase):
    NOW = datetime.datetime(2026, 12, 1, 8, tzinfo=datetime.UTC)

    def test_future_and_past(self):
        for text, words in (
            ("2026-12-01T15:42:00Z", "in 7h42m"),
            ("2026-12-01T08:00:00Z", "in 0s"),
            ("2026-12-01T07:59:00Z", "1m ago"),
            (None, ""),
            ("soon", "soon"),
        ):
            self.assertEqual(words, durations.format_until(text, self.NOW))

    def test_seconds_between_needs_both_ends(self):
        self.assertIsNone(
            durations.seconds_between("2026-12-01T08:00:00Z", None)
        )
        self.assertEqual(
            1.5,
            durations.seconds_between(
                "2026-12-01T08:00:00Z", "2026-12-01T08:00:01.500000Z"
            ),
        )
