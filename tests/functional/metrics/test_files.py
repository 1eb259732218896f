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

"""Rules, dashboard and document are about the metrics that there are."""

from __future__ import annotations

import datetime
import json
import pathlib
import re
import subprocess

import fixtures
import testtools
import yaml
from prometheus_client import registry as registries

from gpubroker.domain import census
from gpubroker.domain import devices
from gpubroker.domain import fences
from gpubroker.domain import hosts
from gpubroker.domain import leases
from gpubroker.domain import steps
from gpubroker.metrics import meter
from gpubroker.metrics import standing
from gpubroker.services import ports
from tests.fixtures import broker_processes as processes
from tests.unit.docs import test_commands

ROOT = pathlib.Path(__file__).resolve().parents[3]
RULES = ROOT / "etc" / "prometheus" / "gpubroker.rules.yaml"
DASHBOARD = ROOT / "etc" / "grafana" / "gpubroker.json"
DOCUMENT = ROOT / "doc" / "source" / "admin" / "metrics.rst"
ALERTS = pathlib.Path(__file__).parent / "alerts.yaml"

_ROW = re.compile(r"^   \* - ``(gpubroker_\w+)``\n     -(?: (.+))?$", re.M)
_NAME = re.compile(r"\bgpubroker_\w+")
_PARTS = ("_bucket", "_count", "_sum")
_MATCHER = re.compile(r"(\w+)\s*(=~|!~|!=|=)\s*\"([^\"]*)\"")

#: Labels with a word of ours, by metric; the rest is anybody's.
WORDS = {
    ("gpubroker_devices", "state"): census.Use,
    ("gpubroker_devices_fenced", "reason"): fences.Reason,
    ("gpubroker_devices_health", "health"): devices.Health,
    ("gpubroker_leases", "state"): leases.State,
    ("gpubroker_lease_moves_total", "before"): leases.State,
    ("gpubroker_lease_moves_total", "after"): leases.State,
    ("gpubroker_lease_moves_total", "target"): leases.State,
    ("gpubroker_saga_steps_total", "result"): steps.Result,
    ("gpubroker_saga_steps_total", "saga"): steps.Saga,
    ("gpubroker_fence_changes_total", "reason"): fences.Reason,
    ("gpubroker_database_errors_total", "kind"): ports.Trouble,
    ("gpubroker_worker_passes_total", "outcome"): ports.Outcome,
}


def documented():
    """Metric -> its labels, as the document has them."""
    rows = _ROW.findall(DOCUMENT.read_text())
    return {name: set(filter(None, words.split(", "))) for name, words in rows}


def rules():
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return group["rules"]


def panels():
    return json.loads(DASHBOARD.read_text())["panels"]


def expressions():
    """Where it stands -> what is asked of Prometheus."""
    found = {rule["alert"]: rule["expr"] for rule in rules()}
    for panel in panels():
        for target in panel.get("targets", ()):
            where = f"{panel['title']} {target['refId']}"
            found[where] = target["expr"]
    return found


def metric(name):
    """Of a sample."""
    for part in _PARTS:
        if name.endswith(part) and name.removesuffix(part) in documented():
            return name.removesuffix(part)
    return name


def promtool(*words):
    done = subprocess.run(
        ["promtool", *words], capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout + done.stderr


class Document(testtools.TestCase):
    def test_it_has_the_metrics_that_are_exported_with_their_labels(self):
        registry = registries.CollectorRegistry()
        made = meter.Meter(registry)
        labels = {
            _full_name(part): set(part._labelnames)
            for part in vars(made).values()
            if hasattr(part, "_labelnames")
        }
        collector = standing.Collector(_everything, lambda: 1.0)
        for family in collector.collect():
            self.assertNotEqual([], family.samples, family.name)
            labels[family.name] = set(family.samples[0].labels)
        labels["gpubroker_build_info"] = {"service", "version"}
        self.assertEqual(labels, documented())

    def test_real_processes_tell_of_all_of_them_and_of_no_others(self):
        site = self.useFixture(processes.Site())
        worker = site.worker()
        worker.wait(lambda: processes.scraped(site.worker_port))
        worker.wait(
            lambda: (
                "gpubroker_devices" in processes.Scrape(site.worker_port).names
            )
        )
        site.api()
        told = processes.Scrape(site.worker_port).names
        told |= processes.Scrape(site.api_port).names
        ours = {name for name in told if not name.startswith("process_")}
        self.assertEqual(set(documented()), ours)


def _full_name(part):
    counter = type(part).__name__ == "Counter"
    return f"{part._name}_total" if counter else part._name


AT = datetime.datetime(2026, 11, 27, tzinfo=datetime.UTC)
CARDS = census.Cards(
    pool="p",
    model="m",
    state=devices.State.PRESENT,
    health=devices.Health.OK,
    claimed=False,
    used=False,
    placed=True,
    reserved=False,
    fences=frozenset(),
    count=1,
)
WAITING = census.Open(
    pool="p",
    state=leases.State.QUEUED,
    held=False,
    count=1,
    gpus=1,
    oldest=AT,
)
HOST = census.Host(
    name="h",
    pool="p",
    mode=hosts.Mode.MANAGE,
    compute_state=hosts.ComputeState.UP,
    enrolled=True,
    heard_at=AT,
)


def _everything():
    """One of each, so that every metric has a sample."""
    return standing.Standing(
        census=census.Census(
            at=AT,
            cards=(CARDS,),
            leases=(WAITING,),
            hosts=(HOST,),
            pools=(census.Pool(name="p", owned=True),),
            workers=1,
        ),
        pools=("p",),
        behind=False,
        compared={("p", "h"): 0.0},
        heartbeat_timeout=120.0,
    )


class Expressions(testtools.TestCase):
    def test_they_ask_for_metrics_that_there_are(self):
        known = documented()
        unknown = {
            where: name
            for where, asked in expressions().items()
            for name in _NAME.findall(asked)
            if metric(name) not in known
        }
        self.assertEqual({}, unknown)

    def test_they_ask_for_labels_and_words_that_there_are(self):
        wrong = []
        for where, asked in expressions().items():
            for name, inside in re.findall(
                r"(gpubroker_\w+)\s*\{([^}]*)\}", asked
            ):
                wrong += [(where, w) for w in _unknown(metric(name), inside)]
        self.assertEqual([], wrong)

    def test_what_every_worker_tells_is_never_added_up_as_it_is(self):
        own = {"gpubroker_worker_pools", "gpubroker_build_info"}
        done = ("_total", *_PARTS)
        wrong = []
        for where, asked in expressions().items():
            for found in _NAME.finditer(asked):
                name, before = found[0], asked[: found.start()]
                if name.endswith(done) or name in own:
                    continue
                if not re.search(
                    r"(max by \([^)]*\)\s*\(|\b(max|absent)\()$", before
                ):
                    wrong.append((where, name))
        self.assertEqual([], wrong)

    def test_silence_of_agents_is_measured_as_the_broker_does(self):
        """A number here would not follow [worker] heartbeat_timeout."""
        measured = [
            asked
            for asked in expressions().values()
            if "agent_heartbeat_timestamp" in asked and ">" in asked
        ]
        self.assertEqual(2, len(measured))
        for asked in measured:
            self.assertRegex(
                " ".join(asked.split()),
                r"\) > scalar\(max\("
                r"gpubroker_agent_heartbeat_timeout_seconds\)\)",
            )

    def test_those_of_the_dashboard_are_well_formed(self):
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        path = folder / "rules.yaml"
        made = [
            {"record": f"panel:{n}", "expr": _without_variables(asked)}
            for n, asked in enumerate(expressions().values())
        ]
        path.write_text(
            yaml.safe_dump({"groups": [{"name": "all", "rules": made}]})
        )
        code, said = promtool("check", "rules", str(path))
        self.assertEqual(0, code, said)
        self.assertIn(f"{len(made)} rules found", said)


def _unknown(name, inside):
    """Labels or their values, in one selector."""
    for label, how, value in _MATCHER.findall(inside):
        if label not in documented()[name]:
            yield f"{name} has no label {label}"
        words = WORDS.get((name, label))
        if words and how == "=" and value not in set(words):
            yield f"{name} has no {label} {value}"


def _without_variables(asked):
    return asked.replace("$__rate_interval", "5m").replace("$pool", ".*")


class Alerts(testtools.TestCase):
    def test_promtool_finds_the_rules_in_order(self):
        code, said = promtool("check", "rules", "--lint-fatal", str(RULES))
        self.assertEqual(0, code, said)

    def test_each_comes_when_it_has_to_and_only_then(self):
        """Without the long annotations, which need no second copy."""
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        made = rules()
        for rule in made:
            summary = rule["annotations"]["summary"]
            rule["annotations"] = {"summary": summary}
        (folder / RULES.name).write_text(
            yaml.safe_dump({"groups": [{"name": "all", "rules": made}]})
        )
        (folder / ALERTS.name).write_text(ALERTS.read_text())
        code, said = promtool("test", "rules", str(folder / ALERTS.name))
        self.assertEqual(0, code, said)

    def test_each_is_tested_both_ways(self):
        comes, quiet = set(), set()
        for test in yaml.safe_load(ALERTS.read_text())["tests"]:
            for check in test["alert_rule_test"]:
                found = comes if check["exp_alerts"] else quiet
                found.add(check["alertname"])
        every = {rule["alert"] for rule in rules()}
        self.assertEqual((every, every), (comes, quiet))

    def test_they_are_tested_with_series_as_they_are(self):
        """A label that is misspelt in a rule and in its test alike."""
        wrong = []
        for test in yaml.safe_load(ALERTS.read_text())["tests"]:
            for series in test["input_series"]:
                name, _, inside = series["series"].partition("{")
                given = {m[0] for m in _MATCHER.findall(inside)}
                if given - {"instance"} != documented()[metric(name)]:
                    wrong.append(series["series"])
                wrong += _unknown(metric(name), inside.replace("instance", ""))
        self.assertEqual([], [w for w in wrong if "no label" not in w])

    def test_each_says_what_to_do(self):
        for rule in rules():
            self.assertEqual(
                {"summary", "description", "action"},
                set(rule["annotations"]),
                rule["alert"],
            )
            self.assertIn(
                rule["labels"]["severity"], ("critical", "warning", "info")
            )

    def test_the_commands_that_they_name_are_there(self):
        there = test_commands.classes()
        said = " ".join(rule["annotations"]["action"] for rule in rules())
        named = re.findall(r"openstack gpu (\w+) (\w+)(?: (\w+))?", said)
        self.assertGreater(len(named), 5)
        wrong = [
            words
            for words in named
            if words[:2] not in there and words not in there
        ]
        self.assertEqual([], wrong)
