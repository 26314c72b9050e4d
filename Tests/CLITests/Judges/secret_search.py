"""Looks for secrets where they must not be: secret_search.py KCONNECT KCONNECT-SERVER DIRECTORY

Runs server and client with secrets of each kind, in requests that succeed and that fail, and searches everything they leave: standard output and
error, access log, explanations, error replies, progress, lists of queries and operations, files of the store, command lines. Needs openssl and
Python's standard library. Prints `ok WHAT` or `LEAK WHAT: …`; ends with 1 when there is a leak or a run does not do what it should.
"""
import base64, glob, hashlib, http.client, json, os, socket, ssl, subprocess, sys, time, urllib.parse

kconnect, server_program, directory = sys.argv[1:4]
os.makedirs(directory, exist_ok=True)
def path(name): return os.path.join(directory, name)
def write(name, text):
    with open(path(name), "w") as file: file.write(text)
    return path(name)

TENANT, APP = "11111111-1111-1111-1111-111111111111", "aaaaaaaa-0000-0000-0000-000000000001"
# Each in one place only, so that a leak tells its kind.
SECRETS = {
    "application key": "AppKeySecret-9f3b71c2", "wrong application key": "WrongKeySecret-44e1a0bb", "password of a connection string": "ConnPassword-71d0e2aa",
    "application key of a connection string": "ConnAppKey-5d11c9f3", "user token": "UserTokenSecret-0b4be7aa8c9d", "user token of a connection string": "ConnToken-77aa01cd",
    "shared access signature": "SasSecret%2B8d21f0aa%3D", "account key": "QWNjb3VudEtleVNlY3JldDQ0ZTFhMGJi==", "obfuscated string": "HiddenString-c0ffee11",
    "obfuscated string with escapes": "HiddenTail-feed5eed", "verbatim obfuscated string": "HiddenVerbatim-ba5eba11", "fenced obfuscated string": "HiddenFence-d15ea5e0",
}
S = SECRETS
failures = []
runs = []  # (what, text)

def openssl(*words): subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", path("ca.key"), "-out", path("ca.pem"), "-days", "2", "-subj", "/CN=Test CA")
openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", path("server.key"), "-out", path("server.csr"), "-subj", "/CN=localhost")
openssl("x509", "-req", "-in", path("server.csr"), "-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-CAcreateserial", "-days", "2", "-out", path("server.pem"),
        "-extfile", write("san", "subjectAltName=DNS:localhost\n"))

def hashed(secret):
    b64 = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    salt = os.urandom(16)
    return f"pbkdf2-sha256:10000:{b64(salt)}:{b64(hashlib.pbkdf2_hmac('sha256', secret.encode(), salt, 10000))}"
write("identity.json", json.dumps({"tenant": TENANT, "tenantName": "contoso.com", "applications": [{"id": APP, "name": "a", "secrets": [hashed(S["application key"]), hashed(S["application key of a connection string"])]}],
                                   "users": [{"name": "ann@contoso.com", "objectId": "0d5f2a51-8a32-4a35-9b40-2a6a1f9d4b11", "displayName": "Ann", "password": hashed(S["password of a connection string"])}]}))
# Bound and not listened on while this program runs: the server may listen on it, and nobody else is given it as a free port.
held = socket.socket()
held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
held.bind(("127.0.0.1", 0))
port = held.getsockname()[1]
url = f"https://localhost:{port}"
commands = []  # command lines of processes while they run

def start(*words):
    """The server through `kconnect serve`, which becomes another program."""
    out, err = open(path("server.out"), "a"), open(path("server.err"), "a")
    process = subprocess.Popen([kconnect, "serve", *words], stdout=out, stderr=err, env={**os.environ, "SSL_CERT_FILE": path("ca.pem"), "CURL_CA_BUNDLE": path("ca.pem")})
    end = time.time() + 300
    while "listens" not in open(path("server.out")).read():
        if process.poll() is not None or time.time() > end: raise SystemExit("the server did not start: " + open(path("server.err")).read())
        time.sleep(0.02)
    with open(f"/proc/{process.pid}/cmdline", "rb") as file: commands.append(file.read().decode())
    return process

server = start("--listen", f"localhost:{port}", "--store", path("store"), "--tls-certificate", path("server.pem"), "--tls-key", path("server.key"), "--local-identity", path("identity.json"),
               "--admin", f"aadapp={APP};{TENANT}", "--admin", "aaduser=ann@contoso.com", "--access-log", path("access.log"), "--log-queries")

def run(what, arguments, environment={}, stdin=None, status=None, text=None):
    process = subprocess.Popen([kconnect, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=directory,
                               env={**os.environ, "SSL_CERT_FILE": path("ca.pem"), "CURL_CA_BUNDLE": path("ca.pem"), "AZURE_AUTHORITY_HOST": url, **environment})
    try:
        with open(f"/proc/{process.pid}/cmdline", "rb") as file: commands.append(file.read().decode())
    except OSError: pass
    out, err = process.communicate(stdin, timeout=300)
    runs.append((what, out + err))
    if status is not None and (process.returncode == 0) != (status == 0): failures.append(f"FAILED {what}: status {process.returncode}: {out[-600:]}{err[-900:]}")
    if text is not None and text not in out + err: failures.append(f"FAILED {what}: no '{text}' in {out[-600:]}{err[-600:]}")
    return out

cluster = ["--cluster", url, "--database", "NetDefaultDB"]
app = ["--option", f"kustoAadAppId={APP}", "--option", f"kustoAadAuthorityID={TENANT}", "--option", f"authorityHost={url}/adfs"]
key = {"APP_KEY": S["application key"]}
write("key", S["application key"] + "\n")

# Credentials.
run("application key from the environment", ["query", "print 41 + 1", *cluster, *app, "--option", "kustoAadAppSecret=env:APP_KEY", "--verbose"], key, status=0, text="42")
run("application key from a file", ["query", "print 41 + 1", *cluster, *app, "--option", "kustoAadAppSecret=file:key", "--progress", "json"], status=0, text="42")
run("wrong application key", ["query", "print 1", *cluster, *app, "--option", "kustoAadAppSecret=env:APP_KEY", "--verbose"], {"APP_KEY": S["wrong application key"]}, status=1)
run("application key on the command line is refused", ["query", "print 1", *cluster, *app, "--option", "kustoAadAppSecret=in-clear"], status=1)
run("token that is none", ["query", "print 1", *cluster, "--option", "accessToken=env:TOKEN", "--verbose"], {"TOKEN": S["user token"]}, status=1)
base = f"Data Source={url};Initial Catalog=NetDefaultDB;Fed=true;Authority Id={TENANT}"
write("profile.toml", "")
for what, string, status in [
    ("connection string with an application key", f"{base};Application Client Id={APP};AppKey={S['application key of a connection string']}", None),
    ("connection string with a password", f"{base};User ID=ann@contoso.com;Password={S['password of a connection string']}", None),
    ("connection string with a token", f"{base};User Token={S['user token of a connection string']}", 1),
]:
    variables = {"CONNECTION": string}
    run(what, ["read", "kusto:NetDefaultDB.Nothing", "--option", "kustoConnectionString=env:CONNECTION", "--verbose"], variables, status=status)
    run(what + ", explained", ["read", "kusto:NetDefaultDB.Nothing", "--option", "kustoConnectionString=env:CONNECTION", "--explain"], variables)

# Texts.
sas = f"https://acct.blob.core.windows.net/c/f.csv?sv=2024-11-04&sig={S['shared access signature']}&sp=r"
keyed = f"https://acct.blob.core.windows.net/c/f.csv;{S['account key']}"
texts = [
    ("query with an obfuscated string", f"print x = strlen(h'{S['obfuscated string']}')", 0),
    ("query with escapes in an obfuscated string", f"print x = strlen(h'it\\'s {S['obfuscated string with escapes']}')", 0),
    ("query with a verbatim obfuscated string", f"print x = strlen(h@'it''s {S['verbatim obfuscated string']}')", 0),
    ("query with a fenced obfuscated string", f"print x = strlen(h```two\n{S['fenced obfuscated string']}```)", 0),
    ("semantic error beside an obfuscated string", f"print x = h'{S['obfuscated string']}', y = nope", 1),
    ("type error in an obfuscated string", f"print x = h'{S['obfuscated string']}' * 2", 1),
    ("syntax error behind an obfuscated string", f"print x = h'it\\'s {S['obfuscated string with escapes']}' ) (", 1),
    ("obfuscated string that does not end", f"print x = h'{S['obfuscated string']}", 1),
    ("externaldata with a signature", f"externaldata(a:string)[h'{sas}']", 1),
    ("externaldata with a signature in clear", f"externaldata(a:string)['{sas}']", 1),
    ("externaldata with a key", f"externaldata(a:string)[h'{keyed}'] with (format='csv')", 1),
    ("externaldata with a key in clear", f"externaldata(a:string)['{keyed}'] with (format='csv')", 1),
    ("ingest with a signature", f".ingest into table T (h'{sas}') with (format='csv')", 1),
    ("ingest with a key in clear", f".ingest into table T ('{keyed}') with (format='csv')", 1),
    ("asynchronous ingest", f".ingest async into table T (h'{sas}') with (format='csv')", None),
    ("export with a key", f".export to csv (h'https://acct.blob.core.windows.net/c;{S['account key']}') <| print 1", 1),
    ("command with an error behind a secret", f".ingest into table T (h'{sas}') with (format='csv', nope=1)", 1),
    ("query on the wrong endpoint", f".show tables | where x == h'{S['obfuscated string']}'", 1),
]
identified = [*cluster, *app, "--option", "kustoAadAppSecret=env:APP_KEY"]
run("a table", ["query", ".create table T (a:string)", *identified], key, status=0)
for what, text, status in texts:
    run(what, ["query", *identified, "--verbose"], key, stdin=text, status=status)
    run(what + ", embedded", ["query", "--store", path("embedded"), "--verbose", "--progress", "json"], stdin=text)
    if not text.startswith("."):
        run(what + ", explained", ["explain", "--store", path("embedded")], stdin=text)

# Replies as they come over the wire, and the lists that tell of requests.
context = ssl.create_default_context(cafile=path("ca.pem"))
def post(target, body, headers={}):
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=120)
    connection.request("POST", target, body, headers)
    reply = connection.getresponse()
    return reply.status, str(reply.headers) + reply.read().decode()
form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": APP, "client_secret": S["application key"], "scope": "https://kusto.kusto.windows.net/.default"})
token = json.loads(post(f"/adfs/{TENANT}/oauth2/token", form, {"Content-Type": "application/x-www-form-urlencoded"})[1].split("\n\n", 1)[1])["access_token"]
runs.append(("reply to a wrong key", post(f"/adfs/{TENANT}/oauth2/token", form.replace("AppKeySecret", "WrongKeySecret"), {"Content-Type": "application/x-www-form-urlencoded"})[1]))
bearer = {"Authorization": "Bearer " + token}
for what, text, _ in texts:
    for target in ["/v1/rest/query", "/v2/rest/query", "/v1/rest/mgmt"]:
        runs.append((f"{what}, reply of {target}", post(target, json.dumps({"db": "NetDefaultDB", "csl": text}), bearer)[1]))
runs.append(("reply to a wrong token", post("/v2/rest/query", '{"csl":"print 1"}', {"Authorization": "Bearer " + S["user token"]})[1]))
for text in [".show queries", ".show running queries", ".show commands", ".show commands-and-queries", ".show operations", ".show journal", ".show ingestion failures"]:
    status, answer = post("/v1/rest/mgmt", json.dumps({"db": "NetDefaultDB", "csl": text}), bearer)
    runs.append((text, answer))
    if status != 200: failures.append(f"FAILED {text}: {status} {answer[-300:]}")
SECRETS["issued token"] = token.split(".")[2]

server.terminate()
if server.wait(300) != 0: failures.append(f"FAILED the server ended with {server.returncode}")
log = open(path("access.log")).read()
if log.count("\n") < 20 or '"text"' not in log: failures.append("FAILED the access log has no texts")
runs += [("access log", log), ("the server's output", open(path("server.out")).read() + open(path("server.err")).read()), ("command lines", "\n".join(commands))]

def variants(secret):
    return {secret, urllib.parse.unquote(secret), urllib.parse.quote(secret, safe=""), json.dumps(secret)[1:-1], base64.b64encode(secret.encode()).decode()}
found = {}
for what, text in runs:
    for kind, secret in SECRETS.items():
        if any(v in text for v in variants(secret)) and not (kind == "issued token" and what.startswith("reply to")):
            at = min(text.find(v) for v in variants(secret) if v in text)
            found.setdefault((what, kind), text[max(0, at - 100):at + 60])
for root in [path("store"), path("embedded")]:
    for name in glob.glob(root + "/**", recursive=True, include_hidden=True) if sys.version_info >= (3, 11) else []:
        if os.path.isfile(name):
            data = open(name, "rb").read()
            for kind, secret in SECRETS.items():
                if any(v.encode() in data for v in variants(secret)): found.setdefault((os.path.relpath(name, directory), kind), "(file)")
for (what, kind), around in found.items(): failures.append(f"LEAK {what}: {kind}: {around!r}")
print(f"{len(runs)} texts searched for {len(SECRETS)} secrets")
for failure in failures: print(failure)
sys.exit(1 if failures else 0)
