"""What the judges of this folder share: programs, a server with or without its own identity provider, checks that are counted.

A judge is called as `JUDGE.py KCONNECT KCONNECT-SERVER DIRECTORY`, prints `ok NAME` or `FAILED NAME: WHY`, one line a check, and ends with 1 when
one failed, with 77 when a package is missing.
"""

import json
import os
import subprocess
import sys
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "KustoAccessTests"))
from judge import TENANT, certificate, free_port, hashed, key_pem, pem  # noqa: E402 - ports, certificates and secrets as the judge of tokens makes them

ADMIN, VIEWER, CERTIFIED = (f"aaaaaaaa-0000-0000-0000-00000000000{i}" for i in (1, 2, 3))
failures = 0


def check(name, body):
    global failures
    try:
        body()
        print(f"ok {name}", flush=True)
    except Exception as error:  # noqa: BLE001 - a judge reports everything
        failures += 1
        print(f"FAILED {name}: {type(error).__name__}: {str(error)[:1500]}", flush=True)


def expect(found, wanted):
    if found != wanted:
        raise AssertionError(f"found {str(found)[:600]!r}, expected {str(wanted)[:600]!r}")


def eventually(look, wanted, seconds=120):
    """Looks again until what is found is what is wanted."""
    end = time.monotonic() + seconds
    while (found := look()) != wanted and time.monotonic() < end:
        time.sleep(0.05)
    expect(found, wanted)


class Place:
    """The programs and a directory of their own."""

    def __init__(self, kconnect, server, directory):
        self.kconnect_program, self.server_program, self.directory = os.path.abspath(kconnect), os.path.abspath(server), os.path.abspath(directory)
        self.variables = {"TMPDIR": os.path.join(self.directory, "temporary")}
        os.makedirs(self.variables["TMPDIR"], exist_ok=True)
        self.seen = []
        self.process = None

    def path(self, name, data=None):
        full = os.path.join(self.directory, name)
        if data is not None:
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "wb") as file:
                file.write(data if isinstance(data, bytes) else data.encode())
        return full

    def environment(self, more):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AZURE_", "KCONNECT_CONFIG", "CURL_CA", "SSL_CERT"))}
        return kept | {"HOME": self.directory, "KCONNECT_STORE": self.path("local-store")} | self.variables | more

    def start(self, *words, **environment):
        """A running kconnect."""
        return subprocess.Popen([self.kconnect_program, *words], cwd=self.directory, env=self.environment(environment), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *words, status=0, **environment):
        """Runs kconnect to its end and answers (output, errors). `status` None: any."""
        process = self.start(*words, **environment)
        try:
            out, errors = process.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        self.seen += [out, errors]
        if status is not None and process.returncode != status:
            raise AssertionError(f"status {process.returncode}, expected {status}: kconnect {' '.join(words)}: {errors[:1200]}")
        return out, errors

    def fails(self, wanted, *words, status=1, **environment):
        """Runs kconnect, which must end with that status and name every text of `wanted`."""
        _, errors = self.run(*words, status=status, **environment)
        for text in [wanted] if isinstance(wanted, str) else wanted:
            if text not in errors:
                raise AssertionError(f"{text!r} is not in: {errors[:800]}")

    def rows(self, *words, **environment):
        """The rows of a result, as lists of values."""
        out, _ = self.run(*words, "--format", "json", **environment)
        return json.loads(out)["rows"]

    def serve(self, *words, store="store"):
        """Starts the server; answers its address."""
        self.process = subprocess.Popen([self.server_program, "--store", self.path(store), *words], stdout=subprocess.PIPE, text=True, env=self.environment({}))
        line = self.process.stdout.readline()
        if "listens" not in line:
            raise SystemExit(f"the server did not start: {line}")
        return next(word for word in line.split() if word.startswith("http")).rstrip("/.,")

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(120)
            self.process = None

    def serve_plain(self):
        """A server that asks nobody who he is."""
        return self.serve("--listen", "127.0.0.1:0")

    def serve_secured(self, store="secured"):
        """A server with TLS by a certificate authority of its own, and an identity provider; answers its address."""
        authority, authority_key = certificate("Test CA", authority=True)
        server, server_key = certificate("localhost", authority, authority_key, hosts=["localhost"])
        self.app, self.app_key = certificate("application")
        self.stranger, self.stranger_key = certificate("stranger")
        self.path("ca.pem", pem(authority))
        self.path("server.pem", pem(server) + pem(authority))
        self.path("server.key", key_pem(server_key))
        self.path("app-public.pem", pem(self.app))
        self.path("app.pem", key_pem(self.app_key) + pem(self.app))
        self.path("stranger.pem", key_pem(self.stranger_key) + pem(self.stranger))
        identity = {
            "tenant": TENANT, "tenantName": "contoso.com",
            "applications": [
                {"id": ADMIN, "name": "admin", "secrets": [hashed("admin-secret")]},
                {"id": VIEWER, "name": "viewer", "secrets": [hashed("viewer-secret")]},
                {"id": CERTIFIED, "name": "certified", "certificates": ["app-public.pem"]},
            ],
            "users": [{"name": "ann@contoso.com", "objectId": str(uuid.uuid4()), "displayName": "Ann", "password": hashed("ann-password")}],
        }
        self.path("identity.json", json.dumps(identity))
        return self.serve("--listen", f"localhost:{free_port()}", "--tls-certificate", self.path("server.pem"), "--tls-key", self.path("server.key"),
                          "--local-identity", self.path("identity.json"), "--admin", f"aadapp={ADMIN};{TENANT}", store=store)


def judge(body):
    """Runs `body` with a place; the judge's `main`."""
    place = Place(*sys.argv[1:4])
    os.makedirs(place.directory, exist_ok=True)
    try:
        body(place)
    finally:
        place.stop()
    sys.exit(1 if failures else 0)
