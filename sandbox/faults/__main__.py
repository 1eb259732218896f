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

"""``python -m sandbox.faults``: stand between the broker and its cloud.

::

    GET  /journal   every request since it was cleared
    PUT  /journal   clear it
    PUT  /rules     a list of rules, in place of those before
"""

from __future__ import annotations

import argparse
import http.server
import json
import threading
from collections.abc import Sequence
from typing import Any

from sandbox.faults import proxy
from sandbox.faults import rules


class Control(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, port: int, judge: rules.Rules, journal: proxy.Journal
    ) -> None:
        super().__init__((proxy.HOST, port), ControlHandler)
        self.judge = judge
        self.journal = journal


class ControlHandler(http.server.BaseHTTPRequestHandler):
    server: Control

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        if self.path != "/journal":
            self.send_error(404)
            return
        self._send(self.server.journal.entries())

    def do_PUT(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.path == "/journal":
            self.server.journal.clear()
        elif self.path == "/rules":
            try:
                made = [rules.Rule.of(one) for one in json.loads(body)]
            except (ValueError, TypeError, KeyError) as error:
                self.send_error(400, explain=str(error))
                return
            self.server.judge.put(made)
        else:
            self.send_error(404)
            return
        self._send({})

    def _send(self, data: Any) -> None:
        body = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.faults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--control", type=int, required=True, metavar="PORT",
        help="where it is told what goes wrong",
    )  # fmt: skip
    parser.add_argument(
        "service", nargs="+", metavar="NAME=PORT:BEHIND",
        help="a service, the port to listen on and the service's own",
    )  # fmt: skip
    options = parser.parse_args(argv)
    judge, journal = rules.Rules(), proxy.Journal()
    for text in options.service:
        name, _, where = text.partition("=")
        port, _, behind = where.partition(":")
        listener = proxy.Listener(name, int(port), int(behind), judge, journal)
        threading.Thread(target=listener.serve_forever, daemon=True).start()
    Control(options.control, judge, journal).serve_forever()


if __name__ == "__main__":
    main()
