"""What hostile clients are answered, over a wire, by a server that asks for tokens. Prints a table `| attack | answer |`; after every attack an honest
request is answered. The tokens are signed here: the server trusts a key of this run."""

import base64
import gzip
import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import time
import urllib.parse

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import support
from support import ADMIN, TENANT, VIEWER, expect, judge

ISSUER, AUDIENCE = f"https://sts.example.com/{TENANT}/", "https://kusto.kusto.windows.net"


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


class Key:
    def __init__(self, name):
        self.name, self.key = name, rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def jwk(self):
        numbers = self.key.public_key().public_numbers()
        text = lambda n: b64(n.to_bytes((n.bit_length() + 7) // 8, "big"))  # noqa: E731
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.name, "n": text(numbers.n), "e": text(numbers.e)}

    @property
    def pem(self):
        return self.key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def token(self, application=ADMIN, head=None, **claims):
        now = int(time.time())
        body = {"iss": ISSUER, "aud": AUDIENCE, "tid": TENANT, "appid": application, "oid": application, "idtyp": "app", "iat": now - 5, "nbf": now - 5, "exp": now + 3000} | claims
        body = {k: v for k, v in body.items() if v is not None}
        text = b64({"typ": "JWT", "alg": "RS256", "kid": self.name} | (head or {})) + "." + b64(body)
        return text + "." + b64(self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))


def attacks(place):
    own, stranger = Key("own"), Key("own")
    place.path("keys.json", json.dumps({"keys": [own.jwk]}))
    os.makedirs(place.path("allowed"), exist_ok=True)
    place.path("allowed/a.csv", "1\n2\n")
    place.path("outside.csv", "topsecret\n")
    words = ["--listen", "127.0.0.1:0", "--issuer", ISSUER, "--issuer-keys", place.path("keys.json"), "--tenant", TENANT, "--admin", f"aadapp={ADMIN};{TENANT}",
             "--allow-path", place.path("allowed"), "--idle-timeout", "4", "--max-text-size", "1m", "--max-streaming-size", "4m", "--request-memory", "64m"]
    has_python = True
    try:
        url = place.serve(*words, "--enable-python", "--python", sys.executable)
    except SystemExit:
        # A kernel that cannot confine programs, or no pandas.
        has_python = False
        place.process = None
        url = place.serve(*words)
    host, port = "127.0.0.1", urllib.parse.urlsplit(url).port
    admin, viewer = own.token(), own.token(VIEWER)

    def post(path, body, token=admin, **headers):
        headers = ({"Authorization": "Bearer " + token} if token else {}) | headers
        return requests.post(url + path, data=body if isinstance(body, (bytes, str)) else json.dumps(body), headers=headers, timeout=60)

    def command(text, token=admin):
        return post("/v1/rest/mgmt", {"db": "NetDefaultDB", "csl": text}, token)

    def query(text, token=admin):
        return post("/v1/rest/query", {"db": "NetDefaultDB", "csl": text}, token)

    def raw(data, wait=True):
        with socket.create_connection((host, port), timeout=300) as connection:
            connection.sendall(data)
            out = b""
            while wait:
                part = connection.recv(65536)
                if not part:
                    break
                out += part
            return out

    for text in [".create table T (a:string)", f".add database NetDefaultDB viewers ('aadapp={VIEWER};{TENANT}')"]:
        expect(command(text).status_code, 200)
    root = next(row[1] for row in command(".get ingestion resources").json()["Tables"][0]["Rows"] if row[0] == "TempStorage")
    key = root.partition("?")[2]
    table = []

    def attack(name, body, wanted, *parts):
        """`body` gives a status with a text, or a text alone, and must be one of `wanted`; `parts` are in the text."""
        def run():
            found = body()
            status, text = found if isinstance(found, tuple) else (found.status_code, found.text)
            table.append((name, status))
            expect(status in (wanted if isinstance(wanted, (list, tuple)) else [wanted]), True) if isinstance(status, int) else expect(status, wanted)
            for part in parts:
                expect((part, part in text), (part, True))
            for secret in ["topsecret", "root:", "daemon:"]:
                expect((secret, secret in text), (secret, False))
            # The server answers still, and nothing came in.
            honest = query("print 41 + 1")
            expect((honest.status_code, honest.json()["Tables"][0]["Rows"]), (200, [[42]]))
            expect(query("T | count").json()["Tables"][0]["Rows"], [[0]])

        support.check(name, run)

    # Slow and large.
    def closed(data):
        # Ends when the server closes the connection; nobody else does.
        out = raw(data)
        return ("closed" if not out.startswith(b"HTTP/1.1 200") else "answered"), out.decode(errors="replace")

    attack("slow-loris: a head that does not end", lambda: closed(b"POST /v1/rest/query HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n"), "closed")
    attack("slow-loris: a body that does not come", lambda: closed(
        b"POST /v1/rest/query HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + admin.encode() + b"\r\nContent-Length: 1000\r\n\r\n{"), "closed")
    attack("slow-loris: a connection that says nothing", lambda: closed(b""), "closed")
    bearer = b"Authorization: Bearer " + admin.encode() + b"\r\n"

    def announced(length):
        out = raw(b"POST /v1/rest/query HTTP/1.1\r\nHost: localhost\r\n" + bearer + b"Content-Length: %d\r\n\r\n{" % length)
        return int(out.split(b" ")[1]), out.decode(errors="replace")

    attack("a body announced too large", lambda: announced(99_999_999_999), 413)
    attack("a body too large", lambda: post("/v1/rest/query", b" " * 1_200_000), 413, "PayloadTooLarge")
    attack("a body too large, in chunks", lambda: requests.post(url + "/v1/rest/query", data=(b" " * 65_536 for _ in range(40)), headers={"Authorization": "Bearer " + admin}, timeout=60), 413)
    bomb = gzip.compress(b"\0" * 50_000_000, 9) * 50
    attack("zip bomb as a query", lambda: post("/v1/rest/query", bomb, **{"Content-Encoding": "gzip"}), 413)
    attack("zip bomb as rows", lambda: post("/v1/rest/ingest/NetDefaultDB/T?streamFormat=csv", bomb, **{"Content-Encoding": "gzip"}), 413)
    attack("deep JSON", lambda: post("/v1/rest/query", "[" * 500_000), 400)
    attack("deep JSON in properties", lambda: post("/v1/rest/query", '{"csl":"print 1","properties":' + '{"a":' * 100_000), 400)
    attack("a deep query", lambda: query("print " + "(" * 100_000 + "1"), 400)
    attack("a query of too many rows for its memory", lambda: query("range x from 1 to 3000000 step 1 | summarize l = make_list(strcat('" + "a long text " * 10 + "', x)) | project array_length(l)"), [200, 400], "LowMemoryCondition")

    # Names.
    def path(method, target, body=b"1", headers=b""):
        out = raw(b"%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s%sContent-Length: %d\r\n\r\n%s" % (method, target, bearer, headers, len(body), body))
        return int(out.split(b" ")[1]), out.decode(errors="replace")

    attack("path traversal in a database", lambda: path(b"POST", b"/v1/rest/ingest/%2e%2e/T?streamFormat=csv"), 400)
    attack("path traversal in a table", lambda: path(b"POST", b"/v1/rest/ingest/NetDefaultDB/..%2f..%2f..%2fetc?streamFormat=csv"), 400)
    attack("path traversal in a database's name", lambda: command(".create database ['../../evil']"), [200, 400])
    expect(os.path.exists(place.path("evil")) or os.path.exists(os.path.join(os.path.dirname(place.directory), "evil")), False)
    for name, blob in [("plain", "../../x"), ("encoded", "%2e%2e/%2e%2e/x"), ("with encoded slashes", "..%2f..%2fx"), ("of one dot", "a/./b")]:
        attack(f"path traversal in a blob, {name}", lambda b=blob: path(b"PUT", f"/devstoreaccount1/tmp/{b}?{key}".encode(), headers=b"x-ms-blob-type: BlockBlob\r\n"), 400, "InvalidUri")
    attack("a blob without a key", lambda: path(b"GET", b"/devstoreaccount1/tmp/x", b""), 403, "AuthenticationFailed")
    attack("a zero byte in a name", lambda: path(b"POST", b"/v1/rest/ingest/NetDefaultDB/T%00?streamFormat=csv"), 400)

    def injected(value):
        out = raw(b"POST /v1/rest/mgmt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + bearer + b"x-ms-client-request-id: " + value + b"\r\nContent-Length: 24\r\n\r\n{\"csl\":\".show version\"}\n")
        expect(b"\r\nset-cookie" in out.lower(), False)
        return int(out.split(b" ")[1]), out.decode(errors="replace")

    attack("header injection: encoded line break", lambda: injected(b"a%0d%0aSet-Cookie: evil=1"), 200)
    attack("header injection: line feed", lambda: injected(b"a\nSet-Cookie: evil=1"), [200, 400])
    attack("header injection: carriage return", lambda: injected(b"a\rSet-Cookie: evil=1"), [200, 400])

    def hosts(lines):
        out = raw(b"GET /v1/rest/query?csl=print+1 HTTP/1.1\r\nConnection: close\r\n" + bearer + lines + b"\r\n")
        return int(out.split(b" ")[1]), out.decode(errors="replace")

    attack("no host", lambda: hosts(b""), 400)
    attack("two hosts", lambda: hosts(b"Host: localhost\r\nHost: evil.example\r\n"), 400)
    attack("a host with a user", lambda: hosts(b"Host: localhost@evil.example\r\n"), 400)
    attack("two lengths", lambda: path(b"POST", b"/v1/rest/mgmt", headers=b"Content-Length: 3\r\n"), 400)
    attack("length and chunks", lambda: path(b"POST", b"/v1/rest/mgmt", headers=b"Transfer-Encoding: chunked\r\n"), [400, 500])

    # Tokens.
    def forged(token):
        return lambda: query("T | count", token)

    now = int(time.time())
    unsigned = b64({"typ": "JWT", "alg": "none"}) + "." + own.token().split(".")[1]
    hashed = b64({"typ": "JWT", "alg": "HS256", "kid": "own"}) + "." + own.token().split(".")[1]
    for name, token in [
        ("none at all", None), ("alg none", unsigned + "."), ("alg None with a signature", unsigned.replace(b64({"typ": "JWT", "alg": "none"}), b64({"typ": "JWT", "alg": "None"})) + "." + own.token().split(".")[2]),
        ("alg HS256 with the public key", hashed + "." + b64(hmac.new(own.pem, hashed.encode(), hashlib.sha256).digest())),
        ("a wrong key", stranger.token()), ("a key of its own in the header", stranger.token(head={"jwk": stranger.jwk})), ("a key's address in the header", stranger.token(head={"jku": "http://127.0.0.1:1/k", "kid": "other"})),
        ("an unknown key id", own.token(head={"kid": "../../keys"})), ("a wrong audience", own.token(aud="https://storage.azure.com")), ("a wrong issuer", own.token(iss="https://evil.example/")),
        ("another tenant", own.token(tid="22222222-2222-2222-2222-222222222222")), ("expired", own.token(nbf=now - 7200, exp=now - 3600)), ("not valid yet", own.token(nbf=now + 3600, exp=now + 7200)),
        ("without an end", own.token(exp=None)), ("changed claims", admin.split(".")[0] + "." + b64({"iss": ISSUER, "aud": AUDIENCE, "tid": TENANT, "appid": ADMIN, "exp": now + 9000}) + "." + viewer.split(".")[2]),
        ("a broken signature", admin[:-6] + "AAAAAA"), ("no token of that form", "x.y.z"), ("a very long one", "a" * 60_000),
    ]:
        attack(f"token: {name}", forged(token), [401, 431] if name == "a very long one" else 401)
    attack("token in the address", lambda: requests.get(f"{url}/v1/rest/query?csl=T&access_token={admin}", timeout=60), 401)

    # Rights.
    for text in [".create table New (a:long)", ".ingest inline into table T <| x", ".set-or-append T <| print a = 'x'", ".drop table T", ".alter table T (b:string)", ".clear table T data",
                 f".add database NetDefaultDB admins ('aadapp={VIEWER};{TENANT}')", ".create database Other", ".show cluster principals"]:
        attack(f"a viewer: {text.split(' <|')[0].split(' (')[0]}", lambda t=text: command(t, viewer), 403)
    attack("a viewer streams", lambda: post("/v1/rest/ingest/NetDefaultDB/T?streamFormat=csv", "x\n", viewer), 403)
    attack("a viewer asks for the queue", lambda: command(".get ingestion resources", viewer), 403)
    attack("a stranger reads", lambda: query("T | count", own.token("bbbbbbbb-0000-0000-0000-000000000009")), 403)
    attack("a link that writes", lambda: requests.get(url + "/v1/rest/query", params={"csl": ".drop table T", "db": "NetDefaultDB"}, headers={"Authorization": "Bearer " + admin}, timeout=60), [400, 403])

    # Files and addresses, by an administrator.
    for text in [".ingest into table T ('/etc/passwd') with (format=txt)", ".ingest into table T ('file:///etc/passwd') with (format=txt)", f".ingest into table T (@'{place.path('allowed')}/../outside.csv') with (format=txt)",
                 ".ingest into table T ('http://169.254.169.254/metadata/instance') with (format=txt)"]:
        attack(text.split(" with")[0].replace(place.directory, "…"), lambda t=text: command(t), 403, "Forbidden")
    for address in ["/etc/passwd", "http://169.254.169.254/latest", "http://[fe80::1]/x", "http://2852039166/x", "http://0xA9FEA9FE/x", "http://[::ffff:169.254.169.254]/x", "http://metadata@169.254.169.254/x", "https://example.com/x.csv"]:
        attack(f"externaldata of {address}", lambda a=address: query(f"externaldata(a:string)['{a}']"), 403)
    os.symlink("/etc/passwd", place.path("allowed/link.csv"))
    attack("externaldata of a link out of the allowed path", lambda: query(f"externaldata(a:string)[@'{place.path('allowed/link.csv')}']"), 403)
    for target in [place.path("elsewhere"), "/etc/kconnect-out", place.path("allowed") + "/../elsewhere", "https://acct.blob.core.windows.net/c;QUFBQQ=="]:
        attack(f".export to {target.replace(place.directory, '…').split(';')[0]}", lambda t=target: command(f".export to csv (@'{t}') <| print 1"), 403)
    expect(os.path.exists(place.path("elsewhere")), False)
    attack("a streamed address of a file", lambda: post("/v1/rest/ingest/NetDefaultDB/T?streamFormat=csv&sourceKind=uri", {"sourceUri": "file:///etc/passwd"}), 403)

    # Python.
    def script(text):
        answer = query("print x = 1 | evaluate python(typeof(*), ```" + text + "```)")
        return ("refused" if "PermissionError" in answer.text or "OSError" in answer.text or answer.status_code >= 400 else "answered"), answer.text

    if has_python:
        store = place.path("store")
        for name, text in [
            ("lists the store", f"import os; os.listdir('{store}')"), ("reads the store", f"open('{store}/_kconnect/metadata.sqlite', 'rb').read()"), ("reads /etc/shadow", "open('/etc/shadow').read()"),
            ("reads the server's memory", "import os; open('/proc/%d/mem' % os.getppid(), 'rb').read(1)"), ("opens a connection", f"import socket; socket.create_connection(('127.0.0.1', {port}))"),
            ("starts a program", "import subprocess; subprocess.run(['/bin/true'], check=True)"), ("kills the server", "import os; os.kill(os.getppid(), 9)"), ("writes outside", f"open('{place.path('allowed')}/w', 'w')"),
        ]:
            attack(f"Python that {name}", lambda t=text: script(t), "refused")
    else:
        print("skipped: Python scripts (no confinement or no pandas here)")

    # Two servers.
    def second():
        other = subprocess.run([place.server_program, "--store", place.path("store"), "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=300, env=place.environment({}))
        return other.returncode, other.stderr

    attack("a second server on the store (exit status)", second, 75, "LOCKED")

    def outside():
        other = subprocess.run([place.server_program, "--store", place.path("other"), "--listen", "0.0.0.0:0"], capture_output=True, text=True, timeout=300, env=place.environment({}))
        return other.returncode, other.stderr

    attack("listening beyond this machine without tokens (exit status)", outside, 2)
    print("| attack | answer |")
    for name, status in table:
        print(f"| {name} | {status} |")


if __name__ == "__main__":
    judge(attacks)
