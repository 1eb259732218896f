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


"""The samples of the API reference are what the API says.

``GPUBROKER_WRITE_SAMPLES=1`` writes them anew; read the difference before you
commit it: it is what clients will notice.
"""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import testtools

from gpubroker.api import routing
from gpubroker.api.controllers import root
from tests.fixtures import api
from tests.functional.api_ref import play

SAMPLES = (
    pathlib.Path(__file__).resolve().parents[3] / "api-ref/source/samples"
)


def paths(value: Any, at: str = "") -> Iterator[str]:
    """Every place in a document: its shape without its values."""
    yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, f"{at}/{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, f"{at}[]")


class SamplesTest(testtools.TestCase):
    def test_samples_are_what_the_api_says(self) -> None:
        """One test, since to play it all takes a while."""
        played = play.play(self.useFixture(api.Api()))
        texts = played.texts()
        if os.environ.get("GPUBROKER_WRITE_SAMPLES"):
            SAMPLES.mkdir(exist_ok=True)
            for name, text in texts.items():
                (SAMPLES / name).write_text(text)
        self._same_shape(texts)
        self._fit(played.exchanges)
        self._all_there(played.exchanges)

    def _same_shape(self, texts: dict[str, str]) -> None:
        there = {path.name for path in SAMPLES.glob("*.json")}
        self.assertEqual(set(texts), there)
        for name, text in texts.items():
            kept = json.loads((SAMPLES / name).read_text())
            self.assertEqual(
                sorted(set(paths(json.loads(text)))),
                sorted(set(paths(kept))),
                name,
            )

    def _fit(self, exchanges: list[play.Exchange]) -> None:
        """The files, that is, also after somebody changed one by hand."""
        for said in exchanges:
            promise = _handler(said).operation
            for kind, schemas in (
                ("req", promise.bodies),
                ("resp", promise.answers),
            ):
                path = SAMPLES / f"{said.name}-{kind}.json"
                if path.is_file() and said.name != "errors":
                    schemas[-1].validator.check(json.loads(path.read_text()))

    def _all_there(self, exchanges: list[play.Exchange]) -> None:
        """Every operation but the one that describes all the others."""
        played = {(e.method, _handler(e).__qualname__) for e in exchanges}
        there = {
            (route.method, route.handler.__qualname__)  # type: ignore[attr-defined]
            for route in routing.walk(root.TREE)
            if route.path != "/v1/openapi.json"
        }
        self.assertEqual(set(), there - played)


def _handler(said: play.Exchange) -> Any:
    parts = said.path.strip("/").split("/")
    return routing.match(root.TREE, said.method, parts).handler
