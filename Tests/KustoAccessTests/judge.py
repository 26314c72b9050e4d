"""Official clients against a server with its own identity provider, over TLS with a certificate authority made for the run.

judge.py SERVER-PROGRAM DIRECTORY

Prints one line a check, `ok NAME` or `FAILED NAME: WHY`; ends with 1 when one failed, with 77 when a package is missing.
"""

import base64
import hashlib
import json
import os
import socket
import subprocess
import sys
import uuid
from datetime import datetime, timedelta, timezone

try:
    import msal
    import requests
    from azure.kusto.data import KustoClient, KustoConnectionStringBuilder
    from azure.kusto.data.exceptions import KustoApiError, KustoServiceError
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID
except ImportError as missing:
    print(f"missing: {missing}")
    sys.exit(77)

TENANT = "11111111-1111-1111-1111-111111111111"
ADMIN, VIEWER, CERTIFIED = (f"aaaaaaaa-0000-0000-0000-00000000000{i}" for i in (1, 2, 3))
KUSTO_CLIENT = "db662dc1-0cfe-4e1c-a843-19a68e65be58"
SCOPE = "https://kusto.kusto.windows.net/.default"
failures = 0


def check(name, body):
    global failures
    try:
        body()
        print(f"ok {name}", flush=True)
    except Exception as error:  # noqa: BLE001 - a judge reports everything
        failures += 1
        print(f"FAILED {name}: {type(error).__name__}: {str(error)[:400]}", flush=True)


def expect(found, wanted):
    if found != wanted:
        raise AssertionError(f"found {found!r}, expected {wanted!r}")


def refused(status, body):
    try:
        body()
    except KustoServiceError as error:
        code = getattr(getattr(error, "http_response", None), "status_code", None)
        if code != status:
            raise AssertionError(f"status {code}, expected {status}: {error}") from error
        return error
    raise AssertionError("it was not refused")


reserved = []


def free_port():
    """A port for a server that must know it before it listens. It is bound here, not listened on, while this program runs: who asks for any free port
    is not given it, and the server may listen on it."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    reserved.append(held)
    return held.getsockname()[1]


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def hashed(secret):
    salt = os.urandom(16)
    return f"pbkdf2-sha256:10000:{b64(salt)}:{b64(hashlib.pbkdf2_hmac('sha256', secret.encode(), salt, 10000))}"


def certificate(name, issuer=None, issuer_key=None, hosts=(), authority=False):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(timezone.utc)
    builder = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer.subject if issuer else subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
    made = builder.sign(issuer_key or key, hashes.SHA256())
    return made, key


def pem(made):
    return made.public_bytes(serialization.Encoding.PEM)


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def main(program, directory):
    def path(name, data=None):
        full = os.path.join(directory, name)
        if data is not None:
            with open(full, "wb") as file:
                file.write(data)
        return full

    authority, authority_key = certificate("Test CA", authority=True)
    server, server_key = certificate("localhost", authority, authority_key, hosts=["localhost"])
    app, app_key = certificate("application")
    stranger, stranger_key = certificate("stranger")
    path("ca.pem", pem(authority))
    path("server.pem", pem(server) + pem(authority))
    path("server.key", key_pem(server_key))
    path("app.pem", pem(app))
    identity = {
        "tenant": TENANT, "tenantName": "contoso.com",
        "applications": [
            {"id": ADMIN, "name": "admin", "secrets": [hashed("admin-secret")]},
            {"id": VIEWER, "name": "viewer", "secrets": [hashed("viewer-secret")]},
            {"id": CERTIFIED, "name": "certified", "certificates": ["app.pem"]},
        ],
        "users": [{"name": "ann@contoso.com", "objectId": str(uuid.uuid4()), "displayName": "Ann", "password": hashed("ann-password")}],
    }
    path("identity.json", json.dumps(identity).encode())
    os.environ["REQUESTS_CA_BUNDLE"] = os.environ["SSL_CERT_FILE"] = path("ca.pem")
    port = free_port()
    process = subprocess.Popen(
        [program, "--listen", f"localhost:{port}", "--store", path("store"), "--tls-certificate", path("server.pem"), "--tls-key", path("server.key"),
         "--local-identity", path("identity.json"), "--admin", f"aadapp={ADMIN};{TENANT}"],
        stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        if "listens" not in line:
            raise SystemExit(f"the server did not start: {line}")
        run(f"https://localhost:{port}", app, app_key, stranger, stranger_key)
        trusting(program, f"https://localhost:{port}", path)
    finally:
        process.terminate()
        process.wait(120)


def trusting(program, url, path):
    """Servers that take the first one's tokens, with keys fetched from its JWKS address over TLS."""
    token = requests.post(
        f"{url}/adfs/{TENANT}/oauth2/token", data={"grant_type": "client_credentials", "client_id": ADMIN, "client_secret": "admin-secret", "scope": SCOPE}, timeout=60
    ).json()["access_token"]
    issuer = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["iss"]
    keys = requests.get(f"{url}/adfs/{TENANT}/.well-known/openid-configuration", timeout=60).json()["jwks_uri"]
    with open(path("other.log"), "w", encoding="utf-8") as log:

        def status(environment, access):
            command = [program, "--listen", "127.0.0.1:0", "--store", path("other"), "--issuer", issuer, "--issuer-keys", keys, "--tenant", TENANT, "--admin", f"aadapp={ADMIN};{TENANT}"]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, **environment})
            try:
                address = process.stdout.readline().split()[-1]
                headers = {"Authorization": f"Bearer {access}"}
                return requests.post(f"{address}/v2/rest/query", json={"csl": "print 1"}, headers=headers, timeout=60).status_code
            finally:
                process.terminate()
                process.wait(120)

        check("keys from https with the CA of the environment", lambda: expect(status({"CURL_CA_BUNDLE": path("ca.pem")}, token), 200))
        check("keys from https refuse another token", lambda: expect(status({"CURL_CA_BUNDLE": path("ca.pem")}, token[:-8] + "AAAAAAAA"), 401))

        def untrusted():
            found = status({"SSL_CERT_FILE": "", "CURL_CA_BUNDLE": ""}, token)
            if found < 400:
                raise AssertionError(f"keys from an untrusted server were used: {found}")

        check("keys from https without the CA", untrusted)


def run(url, app, app_key, stranger, stranger_key):
    thumbprint = app.fingerprint(hashes.SHA1()).hex()
    adfs, plain = f"{url}/adfs/{TENANT}", f"{url}/{TENANT}"
    offline = {"validate_authority": False, "instance_discovery": False}

    def token(answer):
        if "access_token" not in answer:
            raise AssertionError(f"{answer.get('error')}: {answer.get('error_description')}")
        return answer["access_token"]

    def query(access, text="print 1", status=200):
        answer = requests.post(
            f"{url}/v2/rest/query", json={"db": "NetDefaultDB", "csl": text}, headers={"Authorization": f"Bearer {access}"} if access else {}, timeout=60)
        expect(answer.status_code, status)
        return answer

    def confidential(authority, client, credential, **more):
        return msal.ConfidentialClientApplication(client, client_credential=credential, authority=authority, **more)

    def password(base, more):
        client = msal.PublicClientApplication(KUSTO_CLIENT, authority=base, **more)
        token(client.acquire_token_by_username_password("ann@contoso.com", "ann-password", [SCOPE]))
        accounts = client.get_accounts()
        expect(len(accounts), 1)
        token(client.acquire_token_silent([SCOPE], accounts[0], force_refresh=True))

    def approve(code, uri=f"{url}/adfs/device"):
        answer = requests.post(uri, data={"code": code, "username": "ann@contoso.com", "password": "ann-password"}, timeout=60)
        expect(answer.status_code, 200)

    def device(base, more):
        client = msal.PublicClientApplication(KUSTO_CLIENT, authority=base, **more)
        flow = client.initiate_device_flow([SCOPE])
        if "user_code" not in flow:
            raise AssertionError(str(flow))
        approve(flow["user_code"], flow["verification_uri"])
        token(client.acquire_token_by_device_flow(flow))

    for name, base, more in [("adfs", adfs, {}), ("v2", plain, offline)]:
        check(f"msal {name} secret", lambda b=base, m=more: query(token(confidential(b, ADMIN, "admin-secret", **m).acquire_token_for_client([SCOPE]))))
        for form, credential in [
            ("thumbprint", {"private_key": key_pem(app_key).decode(), "thumbprint": thumbprint}),
            ("public certificate", {"private_key": key_pem(app_key).decode(), "thumbprint": thumbprint, "public_certificate": pem(app).decode()}),
        ]:
            check(f"msal {name} certificate by {form}", lambda b=base, m=more, c=credential: token(confidential(b, CERTIFIED, c, **m).acquire_token_for_client([SCOPE])))
        # Elsewhere MSAL asks for the user's realm at port 443, whatever the authority's port.
        if name == "adfs":
            check(f"msal {name} password and refresh", lambda b=base, m=more: password(b, m))
        check(f"msal {name} device code", lambda b=base, m=more: device(b, m))

    def wrong_secret():
        answer = confidential(adfs, ADMIN, "wrong").acquire_token_for_client([SCOPE])
        expect(answer.get("error"), "invalid_client")

    def wrong_certificate():
        credential = {"private_key": key_pem(stranger_key).decode(), "thumbprint": stranger.fingerprint(hashes.SHA1()).hex()}
        expect(confidential(adfs, CERTIFIED, credential).acquire_token_for_client([SCOPE]).get("error"), "invalid_client")
        # The right certificate's name under a stranger's signature.
        credential = {"private_key": key_pem(stranger_key).decode(), "thumbprint": thumbprint}
        expect(confidential(adfs, CERTIFIED, credential).acquire_token_for_client([SCOPE]).get("error"), "invalid_client")

    def wrong_resource():
        answer = confidential(adfs, ADMIN, "admin-secret").acquire_token_for_client(["https://storage.azure.com/.default"])
        expect(answer.get("error"), "invalid_resource")

    check("msal wrong secret", wrong_secret)
    check("msal wrong certificate", wrong_certificate)
    check("msal other resource", wrong_resource)

    # The SDK, unmodified.
    builder = KustoConnectionStringBuilder
    admin = KustoClient(builder.with_aad_application_key_authentication(url, ADMIN, "admin-secret", TENANT))
    viewer = KustoClient(builder.with_aad_application_key_authentication(url, VIEWER, "viewer-secret", TENANT))
    certified = KustoClient(builder.with_aad_application_certificate_authentication(url, CERTIFIED, key_pem(app_key).decode(), thumbprint, TENANT))

    def value(client, text, database="NetDefaultDB"):
        return client.execute(database, text).primary_results[0][0][0]

    def setup():
        expect(value(admin, "print current_principal()"), f"aadapp={ADMIN};{TENANT}")
        admin.execute_mgmt("NetDefaultDB", ".create table T (a:long, who:string)")
        admin.execute_mgmt("NetDefaultDB", ".ingest inline into table T <|\n1,ann\n2,bob")
        admin.execute_mgmt("NetDefaultDB", f".add database NetDefaultDB viewers ('aadapp={VIEWER};{TENANT}', 'aadapp={CERTIFIED};contoso.com', 'aaduser=ann@contoso.com')")

    check("sdk application key", setup)
    check("sdk certificate", lambda: expect(value(certified, "T | count"), 2))

    def by_device():
        kcsb = builder.with_aad_device_authentication(url, TENANT, callback=lambda uri, code, _: approve(code, uri))
        client = KustoClient(kcsb)
        expect(value(client, "print tostring(current_principal_details().UserPrincipalName)"), "ann@contoso.com")

    check("sdk device code", by_device)
    check("sdk user and password", lambda: expect(value(KustoClient(builder.with_aad_user_password_authentication(url, "ann@contoso.com", "ann-password", TENANT)), "T | count"), 2))

    user_token = token(confidential(adfs, VIEWER, "viewer-secret").acquire_token_for_client([SCOPE]))
    check("sdk application token", lambda: expect(value(KustoClient(builder.with_aad_application_token_authentication(url, user_token)), "T | count"), 2))
    check("sdk token provider", lambda: expect(value(KustoClient(builder.with_token_provider(url, lambda: user_token)), "T | count"), 2))

    def viewer_cannot():
        expect(value(viewer, "T | count"), 2)
        for text in [".create table X (a:long)", ".drop table T", ".set-or-append T <| print a = long(1), who = 'x'", ".ingest inline into table T <| 1,x",
                     f".add database NetDefaultDB admins ('aadapp={VIEWER};{TENANT}')"]:
            error = refused(403, lambda t=text: viewer.execute_mgmt("NetDefaultDB", t))
            if "not authorized" not in str(error):
                raise AssertionError(str(error))

    check("a viewer cannot write", viewer_cannot)

    def row_level_security():
        admin.execute_mgmt("NetDefaultDB", ".alter table T policy row_level_security enable \"T | where strcat(who, '@contoso.com') == tostring(current_principal_details().UserPrincipalName)\"")
        ann = KustoClient(builder.with_aad_user_password_authentication(url, "ann@contoso.com", "ann-password", TENANT))
        expect(value(ann, "T | summarize sum(a)"), 1)
        expect(value(viewer, "T | count"), 0)
        expect(value(admin, "T | count"), 0)

    check("row level security", row_level_security)

    # Tokens of one's own.
    def forged(header, claims, signature=b""):
        return ".".join([b64(json.dumps(header).encode()), b64(json.dumps(claims).encode()), b64(signature)])

    good = json.loads(base64.urlsafe_b64decode(user_token.split(".")[1] + "=="))
    kid = json.loads(base64.urlsafe_b64decode(user_token.split(".")[0] + "=="))["kid"]
    admin_claims = dict(good, appid=ADMIN, oid=ADMIN, sub=ADMIN)
    head, body, signature = user_token.split(".")
    attacks = {
        "no token": None,
        "alg none": forged({"alg": "none"}, admin_claims),
        "HS256": forged({"alg": "HS256", "kid": kid}, admin_claims, os.urandom(32)),
        "changed claims": ".".join([head, b64(json.dumps(admin_claims).encode()), signature]),
        "kid traversal": forged({"alg": "RS256", "kid": "../../etc/passwd"}, admin_claims, os.urandom(256)),
        "oversized": "a" * 30_000 + "." + body + "." + signature,
        "garbage": "x",
    }
    def oversized(attack):
        status = requests.post(f"{url}/v2/rest/query", json={"db": "NetDefaultDB", "csl": "T"}, headers={"Authorization": f"Bearer {attack}"}, timeout=60).status_code
        if status not in (400, 401, 413, 431):
            raise AssertionError(f"status {status}")

    for name, attack in attacks.items():
        def body_of(attack=attack):
            answer = query(attack, "T | count", 401)
            if not answer.headers.get("WWW-Authenticate", "").startswith("Bearer "):
                raise AssertionError("no challenge")
        # Some servers end a connection over the header's size before they look at it.
        check(f"attack {name}", body_of if name != "oversized" else lambda a=attack: oversized(a))

    check("the server still answers", lambda: query(user_token))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
    sys.exit(1 if failures else 0)
