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

"""Run every suite and say in one line how it went.

``python -m tests.suites [SUITE ...]``; without names: all, in this order::

    lint         ruff, hacking, mypy, import-linter, doc8, shell, docs
    unit         the rules and each room by itself
    functional   the real WSGI app, real Placement, real database engines
    browser      real Horizon on the small cloud, in a real browser
    cloud        the real small cloud of ``sandbox/``

The last two wait for their cloud most of the time: the others run beside them,
at a lower priority, and each is shown when it is through. There are two clouds
of the same kind, and the tests of the last are divided between them.

The last line is ``N passed, N failed, N skipped``. A skip is a failure
unless it is listed in ``EXPECTED_SKIPS``: a test that did not run proves
nothing.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import types
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from dataclasses import dataclass, field

from tests import clouds
from tests import commands

ROOT = commands.ROOT
BIN = pathlib.Path(sys.executable).parent

#: Names of tests that may skip, each with the reason beside it.
EXPECTED_SKIPS: frozenset[str] = frozenset()


@dataclass(slots=True)
class Result:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    #: A line for each failure, said again at the end of a long run.
    failures: list[str] = field(default_factory=list)
    #: All that the suite printed.
    output: str = field(default="", repr=False)

    def __add__(self, other: Result) -> Result:
        return Result(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.failures + other.failures,
        )

    def __str__(self) -> str:
        return (
            f"{self.passed} passed, {self.failed} failed, "
            f"{self.skipped} skipped"
        )


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("suite", nargs="*", choices=[*SUITES, []])
    chosen = parser.parse_args(argv).suite or list(SUITES)
    for name in chosen:
        CLOUDS.want(*IN_THE_CLOUD.get(name, ()))
    try:
        told = _all(chosen)
    finally:
        CLOUDS.stop()
    total = sum((result for _line, result in told), Result())
    print("\n" + "\n".join([line for line, _result in told] + total.failures))
    print(total)
    return 1 if total.failed or not total.passed else 0


def _all(chosen: Sequence[str]) -> list[tuple[str, Result]]:
    waiting = [name for name in chosen if name in IN_THE_CLOUD]
    working = [name for name in chosen if name not in IN_THE_CLOUD]
    if not waiting or not working:
        return [_suite(name) for name in chosen]
    with futures.ThreadPoolExecutor(1) as pool:
        aside = [pool.submit(_suite, name, False) for name in working]
        told = [_suite(name) for name in waiting]
        return [future.result() for future in aside] + told


def _suite(name: str, echo: bool = True) -> tuple[str, Result]:
    """Run one, and say in a line how it went.

    :param echo: show what it prints at once, not when it is through.
    """
    if echo:
        print(f"\n===== {name} =====", flush=True)
    began = time.monotonic()
    result = SUITES[name](echo)
    line = f"{name:12} {result} in {time.monotonic() - began:.0f} s"
    if not echo:
        print(f"\n===== {name} =====\n{result.output}", flush=True)
    print(line, flush=True)
    return line, result


# -- lint --------------------------------------------------------------------


def lint(echo: bool) -> Result:
    """Each checker counts as one test."""
    shell = _shell_scripts()
    checks: dict[str, list[str]] = {
        "ruff": ["ruff", "check", "."],
        "ruff format": ["ruff", "format", "--check", "."],
        "hacking": [
            # ruff sorts imports; a docstring may start with a long sentence
            "flake8", "--select=H",
            "--ignore=H104,H301,H306,H403,H404,H405",
            "gpubroker", "sandbox", "tests", "tools",
        ],
        "mypy": ["mypy"],
        "import-linter": ["lint-imports"],
        "doc8": ["doc8", "-q", "README.rst", "doc/source", "api-ref/source"],
        **{title: _sphinx(folder) for title, folder in _DOCUMENTS.items()},
        "bashate": ["bashate", "-i", "E006", *shell],
        "shellcheck": ["shellcheck", "--external-sources", *shell],
    }  # fmt: skip
    result, output = Result(), ""
    for name, command in checks.items():
        program, *words = command
        done = commands.run([str(BIN / program), *words], capture=True)
        ok = done.returncode == 0
        told = f"{name:14} {'ok' if ok else 'FAILED'}\n"
        if not ok:
            told += done.stdout[-8000:]
        if echo:
            print(told, end="", flush=True)
        result += _one(ok, f"FAILED {name}")
        output += told
    result.output = output
    return result


_DOCUMENTS = {
    "docs": "doc",
    "api-ref": "api-ref",
    "release notes": "releasenotes",
}


def _one(ok: bool, failure: str) -> Result:
    """What is counted as one test and is none of stestr's."""
    if ok:
        return Result(passed=1)
    return Result(failed=1, failures=[failure])


def _sphinx(folder: str) -> list[str]:
    """Every warning is an error: a broken link, an unknown option."""
    return [
        *("sphinx-build", "-W", "--keep-going", "-q", "-b", "html"),
        *(f"{folder}/source", f"{folder}/build/html"),
    ]


def _shell_scripts() -> list[str]:
    folders = ("devstack", "tests/devstack")
    found = [path for name in folders for path in ROOT.glob(f"{name}/**/*")]
    return [
        str(path.relative_to(ROOT))
        for path in sorted([*found, ROOT / ".ci/run"])
        if path.is_file() and _is_shell(path)
    ]


def _is_shell(path: pathlib.Path) -> bool:
    return (
        path.suffix == ".sh"
        or re.match(rb"#!.*sh\b", path.read_bytes()) is not None
        or (path.parent.name == "lib" or path.name == "settings")
    )


# -- stestr ------------------------------------------------------------------


def unit(echo: bool) -> Result:
    return _stestr("unit", prefix=_priority(echo), echo=echo)


def functional(echo: bool) -> Result:
    """Inside the engines, so that no database test has a reason to skip."""
    engines = (sys.executable, "-m", "tests.fixtures.engines", "--")
    prefix = (*_priority(echo), *engines)
    return _stestr("functional", prefix=prefix, echo=echo)


def _priority(echo: bool) -> tuple[str, ...]:
    """What runs beside the cloud is in nobody's way."""
    return () if echo else ("nice", "-n", "10")


#: Suites in a small cloud, and in which.
IN_THE_CLOUD = {
    "browser": (clouds.FIRST,),
    "cloud": (clouds.FIRST, clouds.SECOND),
}
CLOUDS = clouds.Clouds()
#: Which of them were run by now.
_TRIED: set[str] = set()


def browser(_echo: bool) -> Result:
    return _in_the_cloud("browser")


def cloud(_echo: bool) -> Result:
    result = _in_the_cloud("cloud")
    # Over the whole run, so it is no test among the others.
    words = [each.state for each in IN_THE_CLOUD["cloud"]]
    if "browser" in _TRIED:
        words.append("--horizon")
    told = commands.run([sys.executable, "-m", "tests.cloud.secrets", *words])
    return result + _one(not told.returncode, "FAILED secrets in the logs")


def _in_the_cloud(suite: str) -> Result:
    """One process for each cloud: the tests of a process share one.

    It stays for the next suite; its demonstration is its first test.
    """
    _TRIED.add(suite)
    chosen = IN_THE_CLOUD[suite]
    if not CLOUDS.up(*chosen):
        return _one(False, "FAILED a sandbox did not start")
    states = [each.state for each in chosen]
    return _stestr(
        suite,
        options=[f"--concurrency={len(states)}"],
        more={"GPUBROKER_TEST_CLOUD": os.pathsep.join(states)},
    )


def _stestr(
    suite: str,
    prefix: Sequence[str] = (),
    options: Sequence[str] = (),
    more: Mapping[str, str] = types.MappingProxyType({}),
    echo: bool = True,
) -> Result:
    if not any((ROOT / "tests" / suite).rglob("test_*.py")):
        print(f"no tests in tests/{suite}")
        return Result(failed=1)
    env = {**os.environ, **more, "OS_TEST_PATH": f"./tests/{suite}"}
    repository = ROOT / ".stestr" / suite
    shutil.rmtree(repository, ignore_errors=True)
    repository.mkdir(parents=True)
    command = [
        str(BIN / "stestr"), f"--test-path=./tests/{suite}",
        f"--repo-url={repository}", "run", *options,
    ]  # fmt: skip
    done = commands.run([*prefix, *command], env=env, capture=True, echo=echo)
    return _counted(done)


def _counted(done: subprocess.CompletedProcess[str]) -> Result:
    text = done.stdout
    result = Result(
        output=text,
        passed=_total("Passed", text) + _total("Expected Fail", text),
        failed=_total("Failed", text) + _total("Unexpected Success", text),
        failures=_failures(text),
    )
    skips = re.findall(r"^\{\d+\} (\S+) .*\.\.\. SKIPPED.*$", text, re.M)
    result.skipped = _total("Skipped", text)
    unexpected = [name for name in skips if name not in EXPECTED_SKIPS]
    if len(skips) != result.skipped or unexpected:
        told = [f"SKIPPED {name}, unexpected" for name in unexpected]
        result.failures += told or ["FAILED skips that stestr did not name"]
        result.failed += max(1, len(unexpected))
    if done.returncode and not result.failed:
        # A run that broke off says so by its exit code alone.
        result += _one(False, f"FAILED stestr ended with {done.returncode}")
    return result


#: The line of a traceback that names the error.
_ERROR = re.compile(r"[\w.]+: ")


def _failures(text: str) -> list[str]:
    """Each failed test of a run with what its traceback ends in."""
    told = []
    for block in re.split(r"^(?=\{\d+\} )", text, flags=re.M):
        head = re.match(r"\{\d+\} (\S+) .*\.\.\. FAILED$", block, re.M)
        if head:
            _, _, after = block.partition("Captured traceback:")
            trace = after.split("\nCaptured ")[0].split("\n\n\n")[0]
            # stestr indents it; what has no indent, another process wrote.
            lines = re.findall(r"^    (?! )(\S.*)$", trace, re.M)
            # What was expected and what was found have lines of their own.
            at = [i for i, one in enumerate(lines) if _ERROR.match(one)]
            end = " ".join(lines[at[-1] if at else -1 :])
            told.append(f"FAILED {head[1]}: {end[:600]}")
    return told


def _total(word: str, text: str) -> int:
    found = re.findall(rf"^ - {word}: (\d+)$", text, re.M)
    return int(found[-1]) if found else 0


#: Each is told whether to show at once what it prints.
SUITES: dict[str, Callable[[bool], Result]] = {
    "lint": lint,
    "unit": unit,
    "functional": functional,
    "browser": browser,
    "cloud": cloud,
}


if __name__ == "__main__":
    sys.exit(main())
