"""Identities that a platform gives its programs, by the program itself: managed identities of machines, App Service and Cloud Shell, workload
identities, the Azure CLI. The platforms are fakes on this machine; the tokens they hand out are those of the server's own identity provider, so that
each check ends at the server, which says who came."""

import base64
import json
import os
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding

from support import ADMIN, CERTIFIED, TENANT, VIEWER, check, eventually, expect, judge

HEADER_SECRET, OLD_SECRET = "identity-header-4f1d", "msi-secret-77ab"
RESOURCE = "https://kusto.kusto.windows.net"


class Platform(ThreadingHTTPServer):
    """The token endpoints of a platform. `fault` answers the next requests instead."""
    daemon_threads = True

    def __init__(self, system, user):
        self.system, self.user, self.seen, self.faults = system, user, [], []
        super().__init__(("127.0.0.1", 0), Endpoint)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status, document):
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer({k: v[0] for k, v in urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).items()})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        self.answer({k: v[0] for k, v in urllib.parse.parse_qs(body).items()})

    def answer(self, given):
        path = urllib.parse.urlsplit(self.path).path
        self.server.seen.append((self.command, path, given))
        if self.server.faults:
            return self.reply(*self.server.faults.pop(0))
        # Where it is sent, with what header it proves that it runs there, and which version of the interface it speaks.
        rules = {
            "/metadata/identity/oauth2/token": ("GET", "Metadata", "true", "2018-02-01", "client_id"),
            "/msi/token": ("GET", "X-IDENTITY-HEADER", HEADER_SECRET, "2019-08-01", "client_id"),
            "/old/token": ("GET", "secret", OLD_SECRET, "2017-09-01", "clientid"),
            "/shell/token": ("POST", "Metadata", "true", None, "client_id"),
        }
        if path not in rules:
            return self.reply(404, {"error": "not_found"})
        method, header, value, version, client = rules[path]
        if self.command != method or self.headers.get(header) != value or given.get("api-version") != version or given.get("resource") != RESOURCE:
            return self.reply(400, {"error": "invalid_request", "error_description": f"{self.command} {sorted(given)}"})
        name = given.get(client)
        if name not in (None, "assigned-id"):
            return self.reply(400, {"error": "invalid_request", "error_description": "Identity not found"})
        token = self.server.user if name else self.server.system
        self.reply(200, {"access_token": token, "expires_on": str(int(time.time()) + 3000), "token_type": "Bearer", "resource": RESOURCE})


AZ = """#!/bin/sh
echo "$$ $*" >> "$AZ_LOG"
case "$AZ_MODE" in
  ok) printf '{"accessToken": "%s", "expiresOn": "2031-01-01 00:00:00.000000", "expires_on": %s, "tokenType": "Bearer"}' "$AZ_TOKEN" "$(( $(date +%s) + 3000 ))" ;;
  login) echo "ERROR: Please run 'az login' to setup account." >&2; exit 1 ;;
  text) echo "A new version of the Azure CLI is available." ;;
  empty) ;;
  other) printf '{"subscription": "x"}' ;;
  hang) sleep 600 & echo "$!" > "$AZ_LOG.child"; wait ;;
esac
"""


def o(**options):
    return [word for key, value in options.items() for word in ("-o", f"{key}={value}")]


def identities(place):
    url = place.serve_secured()
    ca = o(caFile=place.path("ca.pem"))
    app = lambda name: f"aadapp={name};{TENANT}"  # noqa: E731

    def token(client, secret):
        answer = requests.post(f"{url}/{TENANT}/oauth2/v2.0/token", verify=place.path("ca.pem"), timeout=60, data={
            "grant_type": "client_credentials", "client_id": client, "client_secret": secret, "scope": RESOURCE + "/.default"})
        return answer.json()["access_token"]

    system, assigned = token(ADMIN, "admin-secret"), token(VIEWER, "viewer-secret")
    platform = Platform(system, assigned)
    place.variables["NO_PROXY"] = "*"
    ask = ["query", "print current_principal()", "--cluster", url, *ca]

    def principal(wanted, *more, **environment):
        expect(place.rows(*ask, *more, **environment), [[wanted]])

    place.rows("query", f".add database NetDefaultDB viewers ('{app(VIEWER)}', '{app(CERTIFIED)}')", "--cluster", url, *ca, *o(accessToken="env:T"), T=system)

    # What takes its time is waited for beside everything else.
    os.makedirs(place.path("tools"), exist_ok=True)
    place.path("tools/az", AZ)
    os.chmod(place.path("tools/az"), 0o755)
    cli = {"PATH": place.path("tools") + ":/usr/bin:/bin", "AZ_LOG": place.path("az.log"), "AZ_TOKEN": assigned}
    azure = o(azureCliAuth="true")
    hanging = place.start(*ask, *azure, **{**cli, "AZ_MODE": "hang", "AZ_LOG": place.path("az-hang.log")})
    nowhere = place.start(*ask, *o(managedIdentityAuth="true"), AZURE_POD_IDENTITY_AUTHORITY_HOST="http://127.0.0.1:1")

    # Managed identities.
    managed, named = o(managedIdentityAuth="true"), o(managedIdentityAuth="true", managedIdentityClientId="assigned-id")
    machine = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": platform.url}
    service = {"IDENTITY_ENDPOINT": platform.url + "/msi/token", "IDENTITY_HEADER": HEADER_SECRET}
    old = {"MSI_ENDPOINT": platform.url + "/old/token", "MSI_SECRET": OLD_SECRET}
    shell = {"MSI_ENDPOINT": platform.url + "/shell/token"}
    for name, where in [("a machine", machine), ("App Service", service), ("App Service of 2017", old)]:
        check(f"the system's identity of {name}", lambda w=where: principal(app(ADMIN), *managed, **w))
        check(f"an assigned identity of {name}", lambda w=where: principal(app(VIEWER), *named, **w))
    check("the identity of Cloud Shell", lambda: principal(app(ADMIN), *managed, **shell))
    unknown = o(managedIdentityAuth="true", managedIdentityClientId="nobody")
    check("an identity that the machine does not have", lambda: place.fails(["Identity not found", "managedIdentityClientId"], *ask, *unknown, **machine))
    check("a wrong header of App Service", lambda: place.fails("App Service: HTTP 400", *ask, *managed, **{**service, "IDENTITY_HEADER": "wrong-header-0000"}))

    def slow_start():
        platform.faults = [(404, {}), (429, {}), (503, b"<html>")]
        principal(app(ADMIN), *managed, **machine)
        expect(platform.faults, [])

    check("a metadata service that is just coming up", slow_start)

    def broken(document, wanted):
        platform.faults = [(200, document)]
        place.fails(wanted, *ask, *managed, **machine)
        platform.faults = []

    check("an answer that is no JSON", lambda: broken(b"<html>", "HTTP 200"))
    check("an answer without a token", lambda: broken({"token_type": "Bearer"}, "access_token"))
    check("explained", lambda: place.run("read", f"kusto:{url}/NetDefaultDB", "-o", "kustoQuery=print a = 1", *ca, *managed, "--explain", "--verbose", **service))

    # Workload identities: the platform's token is here an assertion that the provider trusts.
    def text(data):
        return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()

    federated = []

    def assertion():
        import hashlib
        print_ = text(hashlib.sha256(place.app.public_bytes(Encoding.DER)).digest())
        now = int(time.time())
        signed = text({"alg": "RS256", "typ": "JWT", "x5t#S256": print_}) + "." + text({
            "iss": CERTIFIED, "sub": CERTIFIED, "aud": [f"{url}/{TENANT}/oauth2/v2.0/token", f"{url}/adfs/{TENANT}/oauth2/token"], "jti": str(uuid.uuid4()),
            "nbf": now - 5, "exp": now + 600})
        whole = signed + "." + text(place.app_key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))
        federated.append(whole)
        return place.path("federated", whole + "\n")

    workload = o(workloadIdentityAuth="true")
    workplace = {"AZURE_CLIENT_ID": CERTIFIED, "AZURE_TENANT_ID": TENANT}
    check("a workload identity of the environment", lambda: principal(app(CERTIFIED), *workload, **workplace, AZURE_FEDERATED_TOKEN_FILE=assertion()))
    check("a workload identity by options", lambda: principal(
        app(CERTIFIED), *workload, *o(kustoAadAppId=CERTIFIED, kustoAadAuthorityID=TENANT, federatedTokenFile=assertion())))
    check("a workload identity found without being asked for", lambda: principal(
        app(CERTIFIED), *o(environmentAuth="true"), **workplace, AZURE_FEDERATED_TOKEN_FILE=assertion()))
    check("a federated token that was used before", lambda: place.fails("used before", *ask, *workload, **workplace, AZURE_FEDERATED_TOKEN_FILE=place.path("federated")))
    check("a federated token that is missing", lambda: place.fails("missing or empty", *ask, *workload, **workplace, AZURE_FEDERATED_TOKEN_FILE=place.path("none")))
    check("a workload without a tenant", lambda: place.fails("AZURE_TENANT_ID", *ask, *workload, AZURE_CLIENT_ID=CERTIFIED, AZURE_FEDERATED_TOKEN_FILE=place.path("federated"), status=78))

    # The Azure CLI.
    check("the Azure CLI", lambda: principal(app(VIEWER), *azure, **cli, AZ_MODE="ok"))
    check("the Azure CLI for a tenant", lambda: principal(app(VIEWER), *azure, *o(kustoAadAuthorityID=TENANT), **cli, AZ_MODE="ok"))

    def arguments():
        lines = [line.split(" ", 1)[1].strip() for line in open(place.path("az.log"))]
        expect(lines[0], f"account get-access-token --output json --resource {RESOURCE}")
        expect(lines[1].endswith(f"--tenant {TENANT}"), True)

    check("what the Azure CLI is asked", arguments)
    for mode, wanted in [("login", ["Please run 'az login'", "az login"]), ("text", "without 'accessToken'"), ("empty", "without 'accessToken'"), ("other", "without 'accessToken'")]:
        check(f"an Azure CLI that answers otherwise: {mode}", lambda m=mode, w=wanted: place.fails(w, *ask, *azure, **cli, AZ_MODE=m))
    check("no Azure CLI", lambda: place.fails("not installed", *ask, *azure, PATH=place.path("nowhere")))

    def ended(process, status, wanted):
        out, errors = process.communicate(timeout=300)
        place.seen += [out, errors]
        expect((process.returncode, wanted in errors), (status, True))

    def lives(process):
        try:
            return open(f"/proc/{process}/stat").read().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
        except OSError:
            return False

    def hung():
        ended(hanging, 1, "did not answer within 30 s")
        # What it started ends with it: killed, and shown as alive for as long as the system takes over that.
        names = [open(place.path("az-hang.log")).read().split()[0], open(place.path("az-hang.log.child")).read().strip()]
        eventually(lambda: [name for name in names if lives(name)], [])

    check("an Azure CLI that hangs is ended", hung)
    check("no machine of Azure at all", lambda: ended(nowhere, 75, "cannot be reached"))

    def silent():
        shown = "\n".join(place.seen)
        secrets = {"a managed identity's token": system, "an assigned identity's token": assigned, "the header of App Service": HEADER_SECRET, "the secret of App Service": OLD_SECRET,
                   "a wrong header": "wrong-header-0000", **{f"federated token {i}": whole for i, whole in enumerate(federated)}}
        for name, secret in secrets.items():
            for part in {secret, secret.split(".")[-1]}:
                if part in shown:
                    raise AssertionError(f"{name} was shown: {shown[max(0, shown.index(part) - 200):shown.index(part)]}")

    check("no secret was shown by any of the runs", silent)


if __name__ == "__main__":
    judge(identities)
