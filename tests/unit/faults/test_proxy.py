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

import http.client
import http.server
import json
import os
import subprocess
import sys
import threading
import time

import testtools

from sandbox.faults import callers
from sandbox.faults import proxy
from sandbox.faults import rules


class Echo(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, body))
        answer = json.dumps(
            {"token": {"catalog": [{"type": "image"}, {"type": "network"}]}}
        ).encode()
        self.send_response(201)
        self.send_header("X-Host", self.headers["Host"])
        self.end_headers()
        self.wfile.write(answer)


class ProxyTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.behind = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
        self.behind.got = []
        self.rules, self.journal = rules.Rules(), proxy.Journal()
        self.before = proxy.Listener(
            "nova",
            0,
            self.behind.server_port,
            self.rules,
            self.journal,
        )
        for server in (self.behind, self.before):
            threading.Thread(
                target=server.serve_forever, args=(0.01,), daemon=True
            ).start()
            self.addCleanup(server.server_close)
            self.addCleanup(server.shutdown)

    def post(self):
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.before.server_port, timeout=10
        )
        self.addCleanup(connection.close)
        connection.request("POST", "/servers?a=b", body=b"hello")
        answer = connection.getresponse()
        return answer, answer.read()

    def broken(self):
        self.assertRaises(ConnectionResetError, self.post)

    def entries(self):
        """The journal is written when the answer is on its way."""
        for _ in range(200):
            if self.journal.entries():
                break
            threading.Event().wait(0.01)
        return [(e["status"], e["fault"]) for e in self.journal.entries()]

    def test_a_request_passes_as_it_is(self):
        answer, body = self.post()
        self.assertEqual(201, answer.status)
        self.assertIn(b"image", body)
        self.assertEqual([("/servers?a=b", b"hello")], self.behind.got)
        self.assertEqual(
            f"127.0.0.1:{self.before.server_port}", answer.headers["X-Host"]
        )
        self.assertEqual([(201, "")], self.entries())

    def test_another_status(self):
        self.rules.put([rules.Rule(rules.Fault.STATUS, status=503)])
        answer, body = self.post()
        self.assertEqual(
            (503, "1"), (answer.status, answer.headers["Retry-After"])
        )
        # As the service itself, here Nova, puts it.
        self.assertEqual(["serviceUnavailable"], [*json.loads(body)])
        self.assertEqual([], self.behind.got)

    def test_the_journal_says_how_to_have_it_again(self):
        self.rules.put([rules.Rule(rules.Fault.STATUS, service="nova")])
        self.post()
        self.entries()
        (entry,) = self.journal.entries()
        self.assertEqual(
            {"fault": "status", "kind": "nova POST /servers", "nth": 1},
            entry["again"],
        )

    def test_a_reset_before_the_service_is_asked(self):
        self.rules.put([rules.Rule(rules.Fault.RESET)])
        self.broken()
        self.assertEqual([], self.behind.got)
        self.assertEqual([(None, "reset")], self.entries())

    def test_an_answer_that_is_lost(self):
        self.rules.put([rules.Rule(rules.Fault.LOST)])
        self.broken()
        self.assertEqual(1, len(self.behind.got))
        self.assertEqual([(201, "lost")], self.entries())

    def test_an_answer_that_is_none_of_the_service(self):
        self.rules.put([rules.Rule(rules.Fault.GARBLED)])
        answer, body = self.post()
        self.assertEqual(201, answer.status)
        self.assertRaises(ValueError, json.loads, body)
        self.assertEqual(1, len(self.behind.got))

    def test_a_catalogue_that_lacks_a_service(self):
        self.rules.put([rules.Rule(rules.Fault.FORGET, forget="network")])
        _, body = self.post()
        self.assertEqual(
            {"token": {"catalog": [{"type": "image"}]}}, json.loads(body)
        )

    def test_a_killed_client_may_have_been_heard_or_not(self):
        script = (
            "import http.client, sys\n"
            "c = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]))\n"
            "c.request('POST', '/', body=b'x')\n"
            "c.getresponse()\n"
        )
        for heard, fault in enumerate(
            (rules.Fault.KILL_BEFORE, rules.Fault.KILL_AFTER)
        ):
            self.rules.put([rules.Rule(fault)])
            port = str(self.before.server_port)
            done = subprocess.run([sys.executable, "-c", script, port])
            self.assertEqual(-9, done.returncode)
            self.assertEqual(heard, len(self.behind.got))
            self.assertTrue(self.entry(heard)["killed"])

    def entry(self, number):
        """Written down a moment after the client is gone."""
        until = time.monotonic() + 10
        while len(self.journal.entries()) <= number:
            self.assertLess(time.monotonic(), until, "nothing was noted")
            time.sleep(0.01)
        return self.journal.entries()[number]

    def test_the_process_at_the_other_end(self):
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.before.server_port, timeout=10
        )
        connection.connect()
        self.addCleanup(connection.close)
        port = connection.sock.getsockname()[1]
        self.assertEqual(
            os.getpid(), callers.pid_of(port, self.before.server_port)
        )
        self.assertIsNone(callers.pid_of(port, 1))
