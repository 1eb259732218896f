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


"""Nothing odd gets past the readers of bodies and queries."""

from __future__ import annotations

import json

import testtools

from gpubroker import errors
from gpubroker.api import errors as api_errors
from gpubroker.api import reading
from gpubroker.api.schemas import types

JSON = "application/json"


class Body(testtools.TestCase):
    def test_is_what_json_says(self) -> None:
        found = reading.body('{"a": [1, "ü", null, true]}'.encode(), JSON)
        self.assertEqual({"a": [1, "ü", None, True]}, found)

    def test_takes_whole_floats_for_integers(self) -> None:
        found = reading.body(b'{"a": 2.0, "b": 2.5, "c": 1e3}', JSON)
        self.assertEqual({"a": 2, "b": 2.5, "c": 1000}, found)
        self.assertIsInstance(found["a"], int)
        self.assertIsInstance(found["c"], int)

    def test_without_a_content_type_is_taken_for_json(self) -> None:
        self.assertEqual({}, reading.body(b"{}", ""))

    def test_with_a_charset_is_json(self) -> None:
        found = reading.body(b"{}", "Application/JSON; charset=utf-8")
        self.assertEqual({}, found)

    def test_of_another_type_is_unsupported(self) -> None:
        self.assertRaises(
            api_errors.UnsupportedMediaType,
            reading.body,
            b"a=1",
            "application/x-www-form-urlencoded",
        )

    def test_refuses(self) -> None:
        odd = {
            "nothing": b"",
            "no JSON": b"{",
            "latin-1": '{"a": "ü"}'.encode("latin-1"),
            "a byte order mark": b"\xef\xbb\xbf{}",
            "NaN": b'{"a": NaN}',
            "Infinity": b'{"a": -Infinity}',
            "a float out of range": b'{"a": 1e999}',
            "too many digits": b'{"a": ' + b"9" * 5000 + b"}",
            "NUL in a value": rb'{"a": "x\u0000"}',
            "NUL in a name": rb'{"a\u0000": 1}',
            "half a surrogate pair": rb'{"a": "\ud800"}',
            "nesting": b'{"a":' * 20 + b"1" + b"}" * 20,
            "nesting without end": b"[" * 200_000,
        }
        for name, raw in odd.items():
            self.assertRaises(errors.Invalid, self._read, name, raw)

    def _read(self, name: str, raw: bytes) -> None:
        reading.body(raw, JSON)
        self.fail(f"{name} was taken")

    def test_takes_pairs_of_surrogates(self) -> None:
        found = reading.body(json.dumps({"a": "😀"}).encode(), JSON)
        self.assertEqual({"a": "😀"}, found)


class Query(testtools.TestCase):
    schema = types.closed(
        {
            "limit": types.integer(1, 10),
            "all": {"type": "boolean"},
            "state": types.any_of(types.text(10)),
            "name": types.text(10),
        }
    )

    def read(self, raw: str) -> dict[str, object]:
        return reading.query(raw, self.schema)

    def test_has_the_types_of_its_schema(self) -> None:
        self.assertEqual(
            {"limit": 5, "all": True, "state": ["a", "b"], "name": "1"},
            self.read("limit=5&all=true&state=a,b&name=1"),
        )

    def test_leaves_the_rest_for_the_schema_to_refuse(self) -> None:
        self.assertEqual(
            {"limit": "5.0", "all": "yes", "what": "1"},
            self.read("limit=5.0&all=yes&what=1"),
        )

    def test_refuses(self) -> None:
        for raw in ("name=%ff", "name=%00", "name=a&name=b", "&a=" * 70):
            self.assertRaises(errors.Invalid, self.read, raw)

    def test_an_endless_number_stays_a_text(self) -> None:
        self.assertEqual(
            {"limit": "9" * 5000}, self.read("limit=" + "9" * 5000)
        )
