#define _GNU_SOURCE
#include "ckeys.h"
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct kckeys_key {
  EVP_PKEY *key;
  X509 *certificate;
};

static kckeys_key *made(EVP_PKEY *key, X509 *certificate) {
  ERR_clear_error();
  kckeys_key *result = key ? calloc(1, sizeof *result) : NULL;
  if (!result) {
    EVP_PKEY_free(key);
    X509_free(certificate);
    return NULL;
  }
  result->key = key;
  result->certificate = certificate;
  return result;
}

// Never asks the terminal.
static int no_password(char *buffer, int size, int is_writing, void *context) {
  (void)buffer, (void)size, (void)is_writing, (void)context;
  return -1;
}

static BIO *reading(const void *bytes, size_t count) { return count > 0 && count <= 1 << 20 ? BIO_new_mem_buf(bytes, (int)count) : NULL; }

kckeys_key *kckeys_generate_rsa(int bits) { return made(EVP_RSA_gen((unsigned)bits), NULL); }

kckeys_key *kckeys_read_private_pem(const void *bytes, size_t count) {
  BIO *bio = reading(bytes, count);
  EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
  BIO_free(bio);
  return made(key, NULL);
}

kckeys_key *kckeys_read_public_pem(const void *bytes, size_t count) {
  BIO *bio = reading(bytes, count);
  X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;
  BIO_free(bio);
  if (certificate) return made(X509_get_pubkey(certificate), certificate);
  bio = reading(bytes, count);
  EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL) : NULL;
  BIO_free(bio);
  return made(key, NULL);
}

kckeys_key *kckeys_read_certificate(const void *bytes, size_t count) {
  const unsigned char *start = bytes;
  X509 *certificate = count > 0 && count <= 1 << 20 ? d2i_X509(NULL, &start, (long)count) : NULL;
  return made(certificate ? X509_get_pubkey(certificate) : NULL, certificate);
}

static EVP_PKEY *from_parameters(const char *kind, OSSL_PARAM_BLD *builder) {
  OSSL_PARAM *parameters = builder ? OSSL_PARAM_BLD_to_param(builder) : NULL;
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
  EVP_PKEY *key = NULL;
  if (parameters && context && EVP_PKEY_fromdata_init(context) == 1) EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters);
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(parameters);
  return key;
}

kckeys_key *kckeys_make_rsa(const void *n, size_t n_count, const void *e, size_t e_count) {
  if (n_count == 0 || n_count > 2048 || e_count == 0 || e_count > 16) return NULL;
  BIGNUM *modulus = BN_bin2bn(n, (int)n_count, NULL), *exponent = BN_bin2bn(e, (int)e_count, NULL);
  OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
  EVP_PKEY *key = NULL;
  if (modulus && exponent && builder && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
      OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
    key = from_parameters("RSA", builder);
  OSSL_PARAM_BLD_free(builder);
  BN_free(modulus);
  BN_free(exponent);
  return made(key, NULL);
}

kckeys_key *kckeys_make_p256(const uint8_t *x, const uint8_t *y) {
  uint8_t point[65] = {4};
  memcpy(point + 1, x, 32);
  memcpy(point + 33, y, 32);
  OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
  EVP_PKEY *key = NULL;
  if (builder && OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
      OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1)
    key = from_parameters("EC", builder);
  OSSL_PARAM_BLD_free(builder);
  return made(key, NULL);
}

void kckeys_free(kckeys_key *key) {
  EVP_PKEY_free(key->key);
  X509_free(key->certificate);
  free(key);
}

int kckeys_rsa_bits(const kckeys_key *key) { return EVP_PKEY_get_base_id(key->key) == EVP_PKEY_RSA ? EVP_PKEY_get_bits(key->key) : 0; }

static long number(const kckeys_key *key, const char *name, uint8_t *out, size_t room) {
  BIGNUM *value = NULL;
  long n = -1;
  if (EVP_PKEY_get_bn_param(key->key, name, &value) == 1 && (size_t)BN_num_bytes(value) <= room) n = BN_bn2bin(value, out);
  BN_free(value);
  return n;
}

long kckeys_rsa_modulus(const kckeys_key *key, uint8_t *out, size_t room) { return number(key, OSSL_PKEY_PARAM_RSA_N, out, room); }
long kckeys_rsa_exponent(const kckeys_key *key, uint8_t *out, size_t room) { return number(key, OSSL_PKEY_PARAM_RSA_E, out, room); }

long kckeys_private_pem(const kckeys_key *key, uint8_t *out, size_t room) {
  BIO *bio = BIO_new(BIO_s_secmem());
  long n = -1;
  if (bio && PEM_write_bio_PKCS8PrivateKey(bio, key->key, NULL, NULL, 0, NULL, NULL) == 1) {
    char *text = NULL;
    n = BIO_get_mem_data(bio, &text);
    if (n > 0 && (size_t)n <= room) memcpy(out, text, (size_t)n); else n = -1;
  }
  BIO_free(bio);
  ERR_clear_error();
  return n;
}

static bool fingerprint(const kckeys_key *key, const EVP_MD *kind, uint8_t *out) { return key->certificate && X509_digest(key->certificate, kind, out, NULL) == 1; }
bool kckeys_certificate_sha1(const kckeys_key *key, uint8_t *out) { return fingerprint(key, EVP_sha1(), out); }
bool kckeys_certificate_sha256(const kckeys_key *key, uint8_t *out) { return fingerprint(key, EVP_sha256(), out); }

bool kckeys_certificate_validity(const kckeys_key *key, int64_t *from, int64_t *until) {
  struct tm start = {0}, end = {0};
  if (!key->certificate || ASN1_TIME_to_tm(X509_get0_notBefore(key->certificate), &start) != 1 || ASN1_TIME_to_tm(X509_get0_notAfter(key->certificate), &end) != 1)
    return false;
  *from = timegm(&start);
  *until = timegm(&end);
  return true;
}

static bool fits(const kckeys_key *key, kckeys_algorithm algorithm) {
  int wanted = algorithm == KCKEYS_ES256 ? EVP_PKEY_EC : EVP_PKEY_RSA;
  if (EVP_PKEY_get_base_id(key->key) != wanted) return false;
  return algorithm != KCKEYS_ES256 || EVP_PKEY_get_bits(key->key) == 256;
}

static bool pad(EVP_PKEY_CTX *context, kckeys_algorithm algorithm) {
  if (algorithm == KCKEYS_ES256) return true;
  if (algorithm == KCKEYS_RS256) return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

long kckeys_sign(const kckeys_key *key, kckeys_algorithm algorithm, const void *bytes, size_t count, uint8_t *out, size_t room) {
  if (!fits(key, algorithm)) return -1;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  EVP_PKEY_CTX *padding = NULL;
  uint8_t der[160];
  size_t n = algorithm == KCKEYS_ES256 ? sizeof der : room;
  bool is_done = context && EVP_DigestSignInit(context, &padding, EVP_sha256(), NULL, key->key) == 1 && pad(padding, algorithm) &&
                 EVP_DigestSign(context, algorithm == KCKEYS_ES256 ? der : out, &n, bytes, count) == 1;
  EVP_MD_CTX_free(context);
  if (is_done && algorithm == KCKEYS_ES256) {
    const unsigned char *start = der;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &start, (long)n);
    is_done = pair && room >= 64 && BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, 32) == 32 && BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + 32, 32) == 32;
    ECDSA_SIG_free(pair);
    n = 64;
  }
  ERR_clear_error();
  return is_done ? (long)n : -1;
}

bool kckeys_verify(const kckeys_key *key, kckeys_algorithm algorithm, const void *bytes, size_t count, const uint8_t *signature, size_t signature_count) {
  if (!fits(key, algorithm)) return false;
  unsigned char *der = NULL;
  if (algorithm == KCKEYS_ES256) {
    if (signature_count != 64) return false;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, 32, NULL), *s = BN_bin2bn(signature + 32, 32, NULL);
    if (!pair || !r || !s || ECDSA_SIG_set0(pair, r, s) != 1) {
      BN_free(r);
      BN_free(s);
      ECDSA_SIG_free(pair);
      return false;
    }
    int n = i2d_ECDSA_SIG(pair, &der);
    ECDSA_SIG_free(pair);
    if (n <= 0) return false;
    signature = der;
    signature_count = (size_t)n;
  }
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  EVP_PKEY_CTX *padding = NULL;
  bool is_valid = context && EVP_DigestVerifyInit(context, &padding, EVP_sha256(), NULL, key->key) == 1 && pad(padding, algorithm) &&
                  EVP_DigestVerify(context, signature, signature_count, bytes, count) == 1;
  EVP_MD_CTX_free(context);
  OPENSSL_free(der);
  ERR_clear_error();
  return is_valid;
}

bool kckeys_sha256(const void *bytes, size_t count, uint8_t *out) { return EVP_Digest(bytes ? bytes : "", count, out, NULL, EVP_sha256(), NULL) == 1; }

bool kckeys_pbkdf2_sha256(const void *secret, size_t count, const uint8_t *salt, size_t salt_count, int rounds, uint8_t *out) {
  return count <= 1 << 16 && salt_count <= 1 << 10 && PKCS5_PBKDF2_HMAC(secret, (int)count, salt, (int)salt_count, rounds, EVP_sha256(), 32, out) == 1;
}

bool kckeys_equal(const uint8_t *a, const uint8_t *b, size_t count) { return CRYPTO_memcmp(a, b, count) == 0; }
