# Verifies a client assertion with PyJWT and cryptography: assertion, certificate (PEM), audience, application, "x5c" or "-".
import base64, hashlib, sys
import jwt
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

assertion, path, audience, application, chain = sys.argv[1:]
certificate = x509.load_pem_x509_certificate(open(path, "rb").read())
der = certificate.public_bytes(Encoding.DER)
header = jwt.get_unverified_header(assertion)
claims = jwt.decode(assertion, certificate.public_key(), algorithms=[header["alg"]], audience=audience, options={"require": ["exp", "nbf", "iat", "jti"]})
def url(digest): return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
assert claims["iss"] == claims["sub"] == application, claims
assert 0 < claims["exp"] - claims["iat"] <= 600, claims
if header["alg"] == "PS256":
    assert header["x5t#S256"] == url(hashlib.sha256(der).digest()), header
else:
    assert header["x5t"] == url(hashlib.sha1(der).digest()), header
assert ("x5c" in header) == (chain == "x5c"), header
if chain == "x5c": assert base64.b64decode(header["x5c"][0]) == der
print(header["alg"], "ok")
