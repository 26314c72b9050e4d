"""kconnect itself against a server with its own identity provider, over TLS with a certificate authority made for the run: every method of
authentication that can be had offline, from every place where it may be said."""

import base64
import json
import os
import re
import stat

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from support import ADMIN, CERTIFIED, TENANT, VIEWER, check, expect, judge

SECRETS = ["admin-secret", "viewer-secret", "wrong-secret", "ann-password", "pfx-password"]


def o(**options):
    return [word for key, value in options.items() for word in ("-o", f"{key}={value}")]


def credentials(place):
    url = place.serve_secured()
    ca = o(caFile=place.path("ca.pem"))
    place.variables |= {"ADMIN_SECRET": "admin-secret", "VIEWER_SECRET": "viewer-secret", "WRONG_SECRET": "wrong-secret", "PFX_PASSWORD": "pfx-password"}
    admin = o(kustoAadAppId=ADMIN, kustoAadAppSecret="env:ADMIN_SECRET", kustoAadAuthorityID=TENANT)
    viewer = o(kustoAadAppId=VIEWER, kustoAadAppSecret="env:VIEWER_SECRET", kustoAadAuthorityID=TENANT)
    certified = o(kustoAadAppId=CERTIFIED, kustoAadAuthorityID=TENANT)
    table = f"kusto:{url}/NetDefaultDB.T"

    def query(text, *more, **environment):
        return place.rows("query", text, "--cluster", url, *more, **environment)

    def principal(wanted, *more, **environment):
        expect(query("print current_principal()", *more, **environment), [[wanted]])

    app = lambda name: f"aadapp={name};{TENANT}"  # noqa: E731

    # The three commands.
    def commands():
        principal(app(ADMIN), *ca, *admin)
        place.path("in.csv", "a,who\n1,ann\n2,bob\n3,\n")
        place.run("write", "--from", "in.csv", "--to", table, "--mode", "append", "-o", "tableCreateOptions=CreateIfNotExist", *ca, *admin)
        expect(place.rows("read", table, *ca, *admin, "--query", "order by a asc"), [[1, "ann"], [2, "bob"], [3, ""]])
        query(f".add database NetDefaultDB viewers ('{app(VIEWER)}', 'aadapp={CERTIFIED};contoso.com', 'aaduser=ann@contoso.com')", *ca, *admin)

    check("query, write and read with an application key", commands)
    check("a viewer reads", lambda: expect(place.rows("read", table, *ca, *viewer, "--query", "count"), [[3]]))
    for mode in ["Transactional", "Queued", "KustoStreaming"]:
        check(f"a viewer does not write by {mode}", lambda m=mode: place.fails(
            "not authorized", "write", "--from", "in.csv", "--to", table, "--mode", "append", "-o", f"writeMode={m}", *ca, *viewer))
    check("nothing was written by the viewer", lambda: expect(query("T | count", *ca, *admin), [[3]]))

    # Certificate authorities.
    check("an unknown authority is refused", lambda: place.fails("certificate", "query", "print 1", "--cluster", url, *admin))
    check("the authority of the environment", lambda: principal(app(ADMIN), *admin, SSL_CERT_FILE=place.path("ca.pem")))

    # Certificates.
    place.path("app.pfx", pkcs12.serialize_key_and_certificates(
        b"app", place.app_key, place.app, None, serialization.BestAvailableEncryption(b"pfx-password")))
    place.path("locked.pem", place.app_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"pfx-password")) + open(place.path("app-public.pem"), "rb").read())
    check("certificate in PEM", lambda: principal(app(CERTIFIED), *ca, *certified, *o(kutoAadAppCertPath=place.path("app.pem"))))
    check("certificate in a locked PEM", lambda: principal(app(CERTIFIED), *ca, *certified, *o(kutoAadAppCertPath=place.path("locked.pem"), kutoAadAppCertPassword="env:PFX_PASSWORD")))
    check("certificate in PFX", lambda: principal(app(CERTIFIED), *ca, *certified, *o(kutoAadAppCertPath=place.path("app.pfx"), kutoAadAppCertPassword="env:PFX_PASSWORD")))
    check("certificate with its chain", lambda: principal(app(CERTIFIED), *ca, *certified, *o(kutoAadAppCertPath=place.path("app.pem"), kustoAadAppCertSendX5c="true")))
    check("a wrong password of a certificate", lambda: place.fails("app.pfx", "query", "print 1", "--cluster", url, *ca, *certified,
                                                                   *o(kutoAadAppCertPath=place.path("app.pfx"), kutoAadAppCertPassword="env:WRONG_SECRET"), status=None))
    check("a stranger's certificate", lambda: place.fails("invalid_client", "query", "print 1", "--cluster", url, *ca, *certified, *o(kutoAadAppCertPath=place.path("stranger.pem"))))

    # Secrets and tokens that are wrong.
    check("a wrong secret", lambda: place.fails("invalid_client", "query", "print 1", "--cluster", url, *ca,
                                                *o(kustoAadAppId=ADMIN, kustoAadAppSecret="env:WRONG_SECRET", kustoAadAuthorityID=TENANT)))
    check("no credentials at all", lambda: place.fails("401", "query", "print 1", "--cluster", url, *ca, *o(noAuth="true")))

    def token(client, secret):
        answer = requests.post(f"{url}/{TENANT}/oauth2/v2.0/token", verify=place.path("ca.pem"), timeout=60, data={
            "grant_type": "client_credentials", "client_id": client, "client_secret": secret, "scope": "https://kusto.kusto.windows.net/.default"})
        return answer.json()["access_token"]

    viewer_token = token(VIEWER, "viewer-secret")
    check("a token of the user's", lambda: principal(app(VIEWER), *ca, *o(accessToken="env:TOKEN"), TOKEN=viewer_token))
    check("a token in a file", lambda: principal(app(VIEWER), *ca, *o(accessToken="file:" + place.path("token", viewer_token + "\n"))))
    head, body, signature = viewer_token.split(".")
    forged = ".".join([head, body, signature[::-1]])
    check("a token with a broken signature", lambda: place.fails("401", "query", "print 1", "--cluster", url, *ca, *o(accessToken="env:TOKEN"), TOKEN=forged))

    # Device code.
    def device():
        process = place.start("query", "print tostring(current_principal_details().UserPrincipalName)", "--cluster", url, "--format", "json", *ca,
                              *o(deviceAuth="true", kustoAadAuthorityID=TENANT))
        shown = ""
        try:
            while True:
                line = process.stderr.readline()
                if not line:
                    raise AssertionError(f"no code is shown: {shown}")
                shown += line
                code, uri = re.search(r"\b([A-Z0-9]{4}-?[A-Z0-9]{4,5})\b", shown), re.search(r"https://\S+", shown)
                if code and uri:
                    break
            answer = requests.post(uri.group(0).rstrip(".,"), data={"code": code.group(1), "username": "ann@contoso.com", "password": "ann-password"},
                                   verify=place.path("ca.pem"), timeout=60)
            expect(answer.status_code, 200)
            out, errors = process.communicate(timeout=300)
        finally:
            process.kill()
        place.seen += [out, errors]
        expect((process.returncode, json.loads(out)["rows"]), (0, [["ann@contoso.com"]]))

    check("device code", device)

    # Where it may be said.
    string = f"Data Source={url};AAD Federated Security=True;Application Client Id={ADMIN};Application Key=admin-secret;Authority Id={TENANT}"
    check("a connection string", lambda: expect(place.rows("read", "kusto:NetDefaultDB.T", "--query", "count", *ca, *o(kustoConnectionString="env:STRING"), STRING=string), [[3]]))
    user_string = f"Data Source={url};AAD Federated Security=True;User ID=ann@contoso.com;Password=ann-password;Authority Id={TENANT}"
    check("a user's password in a connection string", lambda: expect(place.rows(
        "read", "kusto:NetDefaultDB.T", "--query", "count", *ca, *o(kustoConnectionString="env:STRING"), STRING=user_string), [[3]]))
    place.path("config.toml", f"""
[defaults]
credential = "admin"

[profiles.reader]
credential = "viewer"

[credentials.admin]
kustoAadAppId = "{ADMIN}"
kustoAadAppSecret = "env:ADMIN_SECRET"
kustoAadAuthorityID = "{TENANT}"

[credentials.viewer]
kustoAadAppId = "{VIEWER}"
kustoAadAppSecret = "file:{place.path('viewer-key', 'viewer-secret')}"
kustoAadAuthorityID = "{TENANT}"
""")
    check("a configuration file", lambda: principal(app(ADMIN), *ca, "--config", place.path("config.toml")))
    check("a profile of it", lambda: principal(app(VIEWER), *ca, "--config", place.path("config.toml"), "--profile", "reader"))
    check("read by a profile", lambda: expect(place.rows("read", table, *ca, "--config", place.path("config.toml"), "--profile", "reader", "--query", "count"), [[3]]))
    check("options before the profile", lambda: principal(app(CERTIFIED), *ca, "--config", place.path("config.toml"), "--profile", "reader", *certified,
                                                         *o(kutoAadAppCertPath=place.path("app.pem"))))
    asked = o(environmentAuth="true")
    named = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": ADMIN, "AZURE_CLIENT_SECRET": "admin-secret"}
    check("a key of the environment", lambda: principal(app(ADMIN), *ca, *asked, **named))
    check("a certificate of the environment", lambda: principal(app(CERTIFIED), *ca, *asked, AZURE_TENANT_ID=TENANT, AZURE_CLIENT_ID=CERTIFIED,
                                                               AZURE_CLIENT_CERTIFICATE_PATH=place.path("app.pem")))
    check("a user of the environment", lambda: expect(query(
        "print tostring(current_principal_details().UserPrincipalName)", *ca, *asked, AZURE_TENANT_ID=TENANT, AZURE_CLIENT_ID="db662dc1-0cfe-4e1c-a843-19a68e65be58",
        AZURE_USERNAME="ann@contoso.com", AZURE_PASSWORD="ann-password"), [["ann@contoso.com"]]))
    check("an empty environment", lambda: place.fails("environmentAuth=true", "query", "print 1", "--cluster", url, *ca, *asked, status=78))

    # Contradictions: each names both.
    methods = {
        "kustoAadAppId": [*o(kustoAadAppId=ADMIN, kustoAadAppSecret="env:ADMIN_SECRET")], "accessToken": o(accessToken="env:ADMIN_SECRET"),
        "managedIdentityAuth": o(managedIdentityAuth="true"), "deviceAuth": o(deviceAuth="true"), "azureCliAuth": o(azureCliAuth="true"),
        "keyVaultUri": o(keyVaultUri="https://v.vault.azure.net", keyVaultAppId="x", keyVaultAppKey="env:ADMIN_SECRET"), "environmentAuth": asked, "noAuth": o(noAuth="true"),
    }
    names = list(methods)

    def conflicts():
        for i, first in enumerate(names):
            for second in names[i + 1:]:
                place.fails([first, second, "More than one"], "query", "print 1", "--cluster", url, *ca, *methods[first], *methods[second], status=78)

    check(f"every pair of {len(names)} methods is refused by name", conflicts)
    check("a key and a certificate", lambda: place.fails(["kustoAadAppSecret", "kutoAadAppCertPath"], "query", "print 1", "--cluster", url, *ca, *admin,
                                                        *o(kutoAadAppCertPath=place.path("app.pem")), status=78))
    check("an application without proof", lambda: place.fails(["kustoAadAppId", "kustoAadAppSecret"], "query", "print 1", "--cluster", url, *ca, *o(kustoAadAppId=ADMIN), status=78))
    check("a secret in clear", lambda: place.fails("env:NAME", "query", "print 1", "--cluster", url, *ca, *o(kustoAadAppId=ADMIN, kustoAadAppSecret="wrong-secret"), status=2))

    # Tokens on disk.
    cache = place.path("tokens/cache.json")
    cached = [*ca, *admin, *o(tokenCache=cache)]

    def kept():
        principal(app(ADMIN), *cached)
        expect(stat.S_IMODE(os.stat(cache).st_mode), 0o600)
        before = open(cache).read()
        principal(app(ADMIN), *cached)
        expect(open(cache).read() == before, True)

    check("tokens are kept in a file of mode 0600", kept)

    def refused_token(change):
        content = json.load(open(cache))
        content["tokens"][0]["accessToken"] = change(content["tokens"][0]["accessToken"])
        with open(cache, "w") as file:
            json.dump(content, file)
        os.chmod(cache, 0o600)
        principal(app(ADMIN), *cached)
        place.seen.append("")
        if json.load(open(cache))["tokens"][0]["accessToken"] == content["tokens"][0]["accessToken"]:
            raise AssertionError("the refused token is still there")

    def expired(text):
        head, body, signature = text.split(".")
        claims = json.loads(base64.urlsafe_b64decode(body + "=="))
        claims["exp"] = claims["nbf"] = claims["iat"] = 1_600_000_000
        return ".".join([head, base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode(), signature])

    check("a token the cluster refuses is got anew once", lambda: refused_token(lambda text: text[:-8] + "AAAAAAAA"))
    check("a token that has ended is got anew once", lambda: refused_token(expired))
    check("a token that cannot be renewed is not asked for again", lambda: place.fails("401", "read", table, *ca, *o(accessToken="env:TOKEN"), TOKEN=expired(viewer_token)))

    def loose():
        os.chmod(cache, 0o644)
        place.fails(["token cache", "chmod 600"], "query", "print 1", "--cluster", url, *cached, status=None)

    check("a cache that others may read is refused", loose)

    # Secrets.
    check("explain", lambda: place.run("read", table, *ca, *admin, "--explain", "--verbose"))
    check("a wrong cluster", lambda: place.fails("", "read", "kusto:https://localhost:1/X.Y", *ca, *admin, status=None))

    def silent():
        text = "\n".join(place.seen)
        for secret in SECRETS + [viewer_token, signature, forged]:
            if secret in text and secret != "wrong-secret":
                at = text.index(secret)
                raise AssertionError(f"{secret[:20]!r} was shown: {text[max(0, at - 200):at]}")

    check("no secret was shown by any of the runs", silent)


if __name__ == "__main__":
    judge(credentials)
