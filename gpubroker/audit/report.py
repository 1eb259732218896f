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

"""What was found, in words for people or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from gpubroker.audit.findings import Finding
from gpubroker.audit.findings import Severity
from gpubroker.audit.looking import Audit

_TITLES = {
    Severity.ERROR: "Errors",
    Severity.WARNING: "Warnings",
    Severity.NOTE: "Notes",
}


def text(audit: Audit, seconds: float) -> str:
    return "\n".join((*_lines(audit), _summary(audit, seconds)))


def _lines(audit: Audit) -> Iterator[str]:
    for severity, title in _TITLES.items():
        found = _of(audit, severity)
        if not found:
            continue
        yield title
        for finding in found:
            yield f"  {finding.code}: {finding.sentence}"
            if finding.advice:
                yield f"    {finding.advice}"
        yield ""


def _summary(audit: Audit, seconds: float) -> str:
    counts = ", ".join(
        _count(len(_of(audit, severity)), severity) for severity in _TITLES
    )
    looked = ", ".join(
        _count(number, noun) for noun, number in _looked(audit).items()
    )
    partly = "" if audit.complete else "; not everything could be looked at"
    return f"{counts}; looked at {looked} in {seconds:.1f} s{partly}."


def as_json(audit: Audit, seconds: float) -> str:
    """Stable: names are added, never changed."""
    return json.dumps(
        {
            "findings": [
                {
                    "code": finding.code,
                    "severity": finding.severity,
                    "about": list(finding.about),
                    "sentence": finding.sentence,
                    "advice": finding.advice,
                    "since": finding.since and finding.since.isoformat(),
                }
                for severity in _TITLES
                for finding in _of(audit, severity)
            ],
            "counts": {
                severity: len(_of(audit, severity)) for severity in _TITLES
            },
            "complete": audit.complete,
            "looked_at": _looked(audit),
            "seconds": round(seconds, 3),
        },
        indent=2,
    )


def _of(audit: Audit, severity: Severity) -> list[Finding]:
    found = [f for f in audit.found if f.severity is severity]
    return sorted(found, key=lambda finding: finding.key)


def _looked(audit: Audit) -> dict[str, int]:
    seen = audit.seen
    return {
        "lease": sum(lease.open for lease in seen.leases),
        "server": len(seen.servers),
        "card": len(seen.devices),
        "host": len(seen.hosts),
        "flavor": len(seen.flavors),
        "trust": len(seen.trusts),
        "ticket": len(seen.tickets),
        "port": len(seen.ports),
    }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
