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

"""What Grafana would not say of a dashboard: it shows it as it can.

What the panels ask of Prometheus is looked at in ``test_files``.
"""

from __future__ import annotations

import json
import re

import testtools

from tests.functional.metrics import test_files

#: Columns of Grafana's grid.
WIDTH = 24
#: Grafana's own name of a source that is a variable of the dashboard.
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def dashboard():
    return json.loads(test_files.DASHBOARD.read_text())


def shown():
    return [panel for panel in test_files.panels() if panel["type"] != "row"]


def targets():
    return [(panel, one) for panel in shown() for one in panel["targets"]]


class Layout(testtools.TestCase):
    def test_each_panel_has_an_id_and_a_title_of_its_own(self):
        ids = [panel["id"] for panel in test_files.panels()]
        titles = [panel["title"] for panel in shown()]
        for found in (ids, titles):
            self.assertEqual(len(set(found)), len(found))
            self.assertNotIn("", found)

    def test_no_panel_lies_on_another_or_beyond_the_edge(self):
        taken = {}
        for panel in test_files.panels():
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], WIDTH)
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    there = taken.setdefault((x, y), panel["title"])
                    self.assertEqual(panel["title"], there)
        # Grafana moves panels up, so that a hole shows that one was lost.
        height = 1 + max(y for _x, y in taken)
        self.assertEqual(WIDTH * height, len(taken))

    def test_a_row_comes_before_its_panels(self):
        places = [
            (panel["gridPos"]["y"], panel["gridPos"]["x"])
            for panel in test_files.panels()
        ]
        self.assertEqual(sorted(places), places)


class Sources(testtools.TestCase):
    def test_everything_is_asked_of_the_chosen_source(self):
        for panel, target in targets():
            self.assertEqual(
                (SOURCE, SOURCE),
                (panel["datasource"], target["datasource"]),
                panel["title"],
            )

    def test_each_variable_is_defined_and_used(self):
        made = dashboard()
        defined = {one["name"] for one in made["templating"]["list"]}
        text = json.dumps(made["panels"])
        used = set(re.findall(r"\$\{?(\w+)", text)) - {"__rate_interval"}
        self.assertEqual(defined, used)

    def test_the_pools_to_choose_from_are_there(self):
        pool = dashboard()["templating"]["list"][1]
        name, label = re.fullmatch(
            r"label_values\((\w+), (\w+)\)", pool["query"]["query"]
        ).groups()
        self.assertIn(label, test_files.documented()[name])
        self.assertEqual(SOURCE, pool["datasource"])

    def test_what_has_a_pool_is_narrowed_to_the_chosen_ones(self):
        known = test_files.documented()
        wrong = []
        for panel, target in targets():
            for name, inside in re.findall(
                r"(gpubroker_\w+)(\{[^}]*\})?", target["expr"]
            ):
                has = "pool" in known[test_files.metric(name)]
                if has != ('pool=~"$pool"' in inside):
                    wrong.append((panel["title"], name))
        self.assertEqual([], wrong)


class Reading(testtools.TestCase):
    def test_a_stat_asks_once_and_a_graph_over_time(self):
        for panel, target in targets():
            self.assertEqual(
                panel["type"] == "stat",
                target.get("instant", False),
                panel["title"],
            )

    def test_a_graph_names_its_lines_by_labels_that_are_left(self):
        """Another label would be empty, and with fewer two lines look alike;
        the name of a host says its pool."""
        for panel, target in targets():
            if panel["type"] == "stat":
                continue
            named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            if "host" in named:
                named.add("pool")
            self.assertEqual(_left(target["expr"]), named, panel["title"])

    def test_lines_of_one_graph_have_names_of_their_own(self):
        for panel in shown():
            names = [one["legendFormat"] for one in panel["targets"]]
            self.assertEqual(sorted(set(names)), sorted(names), panel["title"])
            refs = [one["refId"] for one in panel["targets"]]
            self.assertEqual(len(set(refs)), len(refs), panel["title"])

    def test_units_are_those_of_what_is_asked(self):
        for panel, target in targets():
            self.assertEqual(
                _unit(target["expr"]),
                panel["fieldConfig"]["defaults"]["unit"],
                panel["title"],
            )


def _left(asked):
    """The labels of what is found: of the outermost "by", or of each worker
    where nothing is added up."""
    inner = re.sub(
        r"^(histogram_quantile\([\d.]+, |topk\(10, (time\(\) - )?)", "", asked
    )
    added = re.match(r"(?:sum|max|count)(?: by \(([^)]*)\))?\s*\(", inner)
    if not added:
        return {"instance"}
    return set(filter(None, (added[1] or "").split(", "))) - {"le"}


def _unit(asked):
    """Of what is measured; a number of things has none."""
    rate = "rate(" in asked
    if "_seconds_bucket" in asked or (
        "time() -" in asked and "count(" not in asked
    ):
        return "s"
    if rate and " / " in asked:
        return "percentunit"
    if rate:
        return "reqps" if "api_requests" in asked else "ops"
    return "short"
