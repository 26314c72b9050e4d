#define _GNU_SOURCE
#include "copenssl.h"
#include <dlfcn.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct {
  BIO *(*BIO_new_mem_buf)(const void *, int);
  int (*BIO_free)(BIO *);
  EVP_PKEY *(*PEM_read_bio_PrivateKey)(BIO *, EVP_PKEY **, pem_password_cb *, void *);
  X509 *(*PEM_read_bio_X509)(BIO *, X509 **, pem_password_cb *, void *);
  PKCS12 *(*d2i_PKCS12_bio)(BIO *, PKCS12 **);
  int (*PKCS12_parse)(PKCS12 *, const char *, EVP_PKEY **, X509 **, STACK_OF(X509) **);
  int (*PKCS12_verify_mac)(PKCS12 *, const char *, int);
  void (*PKCS12_free)(PKCS12 *);
  void (*EVP_PKEY_free)(EVP_PKEY *);
  int (*EVP_PKEY_get_base_id)(const EVP_PKEY *);
  void (*X509_free)(X509 *);
  int (*X509_check_private_key)(const X509 *, const EVP_PKEY *);
  const ASN1_TIME *(*X509_get0_notAfter)(const X509 *);
  int (*ASN1_TIME_to_tm)(const ASN1_TIME *, struct tm *);
  int (*i2d_X509)(const X509 *, unsigned char **);
  int (*OPENSSL_sk_num)(const OPENSSL_STACK *);
  void *(*OPENSSL_sk_value)(const OPENSSL_STACK *, int);
  void (*OPENSSL_sk_free)(OPENSSL_STACK *);
  EVP_MD_CTX *(*EVP_MD_CTX_new)(void);
  void (*EVP_MD_CTX_free)(EVP_MD_CTX *);
  const EVP_MD *(*EVP_sha256)(void);
  const EVP_MD *(*EVP_sha1)(void);
  const EVP_MD *(*EVP_md5)(void);
  int (*EVP_DigestInit_ex)(EVP_MD_CTX *, const EVP_MD *, ENGINE *);
  int (*EVP_DigestUpdate)(EVP_MD_CTX *, const void *, size_t);
  int (*EVP_DigestFinal_ex)(EVP_MD_CTX *, unsigned char *, unsigned int *);
  int (*EVP_Digest)(const void *, size_t, unsigned char *, unsigned int *, const EVP_MD *, ENGINE *);
  unsigned char *(*HMAC)(const EVP_MD *, const void *, int, const unsigned char *, size_t, unsigned char *, unsigned int *);
  int (*EVP_DigestSignInit)(EVP_MD_CTX *, EVP_PKEY_CTX **, const EVP_MD *, ENGINE *, EVP_PKEY *);
  int (*EVP_DigestSign)(EVP_MD_CTX *, unsigned char *, size_t *, const unsigned char *, size_t);
  int (*EVP_PKEY_CTX_set_rsa_padding)(EVP_PKEY_CTX *, int);
  int (*EVP_PKEY_CTX_set_rsa_pss_saltlen)(EVP_PKEY_CTX *, int);
  void (*ERR_clear_error)(void);
} ssl;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_loaded = false;
static char load_error[256] = "libcrypto was not asked for";

static void load(void) {
  void *library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    strncpy(load_error, dlerror(), sizeof load_error - 1);
    return;
  }
#define FIND(name)                                                          \
  *(void **)&ssl.name = dlsym(library, #name);                              \
  if (!ssl.name) { strncpy(load_error, "libcrypto lacks " #name, sizeof load_error - 1); return; }
  FIND(BIO_new_mem_buf) FIND(BIO_free) FIND(PEM_read_bio_PrivateKey) FIND(PEM_read_bio_X509)
  FIND(d2i_PKCS12_bio) FIND(PKCS12_parse) FIND(PKCS12_verify_mac) FIND(PKCS12_free)
  FIND(EVP_PKEY_free) FIND(EVP_PKEY_get_base_id) FIND(X509_free) FIND(X509_check_private_key)
  FIND(X509_get0_notAfter) FIND(ASN1_TIME_to_tm) FIND(i2d_X509)
  FIND(OPENSSL_sk_num) FIND(OPENSSL_sk_value) FIND(OPENSSL_sk_free)
  FIND(EVP_MD_CTX_new) FIND(EVP_MD_CTX_free) FIND(EVP_sha256) FIND(EVP_sha1) FIND(EVP_Digest) FIND(HMAC)
  FIND(EVP_md5) FIND(EVP_DigestInit_ex) FIND(EVP_DigestUpdate) FIND(EVP_DigestFinal_ex)
  FIND(EVP_DigestSignInit) FIND(EVP_DigestSign) FIND(EVP_PKEY_CTX_set_rsa_padding) FIND(EVP_PKEY_CTX_set_rsa_pss_saltlen)
  FIND(ERR_clear_error)
#undef FIND
  is_loaded = true;
}

bool kcssl_load(void) {
  pthread_once(&once, load);
  return is_loaded;
}
const char *kcssl_load_error(void) { return load_error; }

bool kcssl_sha256(const void *bytes, size_t count, uint8_t *out) { return ssl.EVP_Digest(bytes, count, out, NULL, ssl.EVP_sha256(), NULL) == 1; }
bool kcssl_sha1(const void *bytes, size_t count, uint8_t *out) { return ssl.EVP_Digest(bytes, count, out, NULL, ssl.EVP_sha1(), NULL) == 1; }
bool kcssl_hmac_sha256(const void *key, size_t key_count, const void *bytes, size_t count, uint8_t *out) {
  return ssl.HMAC(ssl.EVP_sha256(), key ? key : "", (int)key_count, bytes, count, out, NULL) != NULL;
}

kcssl_md5 *kcssl_md5_new(void) {
  EVP_MD_CTX *context = ssl.EVP_MD_CTX_new();
  if (context && ssl.EVP_DigestInit_ex(context, ssl.EVP_md5(), NULL) == 1) return (kcssl_md5 *)context;
  ssl.EVP_MD_CTX_free(context);
  return NULL;
}
bool kcssl_md5_add(kcssl_md5 *digest, const void *bytes, size_t count) { return ssl.EVP_DigestUpdate((EVP_MD_CTX *)digest, bytes, count) == 1; }
bool kcssl_md5_finish(kcssl_md5 *digest, uint8_t *out) { return ssl.EVP_DigestFinal_ex((EVP_MD_CTX *)digest, out, NULL) == 1; }
void kcssl_md5_free(kcssl_md5 *digest) { ssl.EVP_MD_CTX_free((EVP_MD_CTX *)digest); }

#define MAX_CERTIFICATES 16
struct kcssl_identity {
  EVP_PKEY *key;
  X509 *certificates[MAX_CERTIFICATES];
  int count;
};

// PEM encryption asks for a password: the one given, and never the terminal.
static int give_password(char *buffer, int size, int is_writing, void *context) {
  (void)is_writing;
  if (!context) return -1;
  size_t n = strlen(context);
  if (n > (size_t)size) return -1;
  memcpy(buffer, context, n);
  return (int)n;
}

static kcssl_status read_pem(kcssl_identity *identity, const void *bytes, size_t count, const char *password) {
  BIO *bio = ssl.BIO_new_mem_buf(bytes, (int)count);
  if (!bio) return KCSSL_MALFORMED;
  identity->key = ssl.PEM_read_bio_PrivateKey(bio, NULL, give_password, (void *)password);
  ssl.BIO_free(bio);
  if (!identity->key) {
    bool is_encrypted = memmem(bytes, count, "ENCRYPTED", 9) != NULL;
    bool has_key = memmem(bytes, count, "PRIVATE KEY-----", 16) != NULL;
    return is_encrypted ? KCSSL_BAD_PASSWORD : has_key ? KCSSL_MALFORMED : KCSSL_NO_KEY;
  }
  bio = ssl.BIO_new_mem_buf(bytes, (int)count);
  X509 *found;
  while (bio && identity->count < MAX_CERTIFICATES && (found = ssl.PEM_read_bio_X509(bio, NULL, give_password, NULL))) identity->certificates[identity->count++] = found;
  if (bio) ssl.BIO_free(bio);
  return KCSSL_OK;
}

static kcssl_status read_pkcs12(kcssl_identity *identity, const void *bytes, size_t count, const char *password) {
  BIO *bio = ssl.BIO_new_mem_buf(bytes, (int)count);
  if (!bio) return KCSSL_MALFORMED;
  PKCS12 *box = ssl.d2i_PKCS12_bio(bio, NULL);
  ssl.BIO_free(bio);
  if (!box) return KCSSL_MALFORMED;
  STACK_OF(X509) *chain = NULL;
  X509 *own = NULL;
  bool is_right = ssl.PKCS12_verify_mac(box, password, password ? -1 : 0) == 1 || (!password && ssl.PKCS12_verify_mac(box, "", -1) == 1);
  bool is_parsed = is_right && ssl.PKCS12_parse(box, password ? password : "", &identity->key, &own, &chain) == 1;
  ssl.PKCS12_free(box);
  if (own) identity->certificates[identity->count++] = own;
  int n = chain ? ssl.OPENSSL_sk_num((const OPENSSL_STACK *)chain) : 0;
  for (int i = 0; i < n; i++) {
    X509 *above = ssl.OPENSSL_sk_value((const OPENSSL_STACK *)chain, i);
    if (identity->count < MAX_CERTIFICATES) identity->certificates[identity->count++] = above; else ssl.X509_free(above);
  }
  if (chain) ssl.OPENSSL_sk_free((OPENSSL_STACK *)chain);
  if (!is_right) return KCSSL_BAD_PASSWORD;
  if (!is_parsed) return KCSSL_MALFORMED;
  return identity->key ? KCSSL_OK : KCSSL_NO_KEY;
}

// The certificate of the key first; PEM files list them in any order.
static kcssl_status check(kcssl_identity *identity) {
  if (ssl.EVP_PKEY_get_base_id(identity->key) != EVP_PKEY_RSA) return KCSSL_NOT_RSA;
  if (identity->count == 0) return KCSSL_NO_CERTIFICATE;
  for (int i = 0; i < identity->count; i++) {
    if (ssl.X509_check_private_key(identity->certificates[i], identity->key) != 1) continue;
    X509 *own = identity->certificates[i];
    memmove(identity->certificates + 1, identity->certificates, (size_t)i * sizeof(X509 *));
    identity->certificates[0] = own;
    return KCSSL_OK;
  }
  return KCSSL_MISMATCH;
}

kcssl_identity *kcssl_identity_read(const void *bytes, size_t count, const char *password, kcssl_status *status) {
  *status = KCSSL_MALFORMED;
  if (count == 0 || count > 1 << 20) return NULL;
  kcssl_identity *identity = calloc(1, sizeof *identity);
  if (!identity) return NULL;
  // DER begins with a SEQUENCE; everything else is taken for text.
  *status = ((const uint8_t *)bytes)[0] == 0x30 ? read_pkcs12(identity, bytes, count, password) : read_pem(identity, bytes, count, password);
  if (*status == KCSSL_OK) *status = check(identity);
  ssl.ERR_clear_error();
  if (*status == KCSSL_OK) return identity;
  kcssl_identity_free(identity);
  return NULL;
}

void kcssl_identity_free(kcssl_identity *identity) {
  if (identity->key) ssl.EVP_PKEY_free(identity->key);
  for (int i = 0; i < identity->count; i++) ssl.X509_free(identity->certificates[i]);
  free(identity);
}

int kcssl_certificate_count(const kcssl_identity *identity) { return identity->count; }

int kcssl_certificate_der(const kcssl_identity *identity, int index, uint8_t *out, int room) {
  int n = ssl.i2d_X509(identity->certificates[index], NULL);
  if (n > 0 && out && n <= room) n = ssl.i2d_X509(identity->certificates[index], &out);
  return n;
}

int64_t kcssl_not_after(const kcssl_identity *identity) {
  struct tm end = {0};
  const ASN1_TIME *time = ssl.X509_get0_notAfter(identity->certificates[0]);
  return time && ssl.ASN1_TIME_to_tm(time, &end) == 1 ? (int64_t)timegm(&end) : 0;
}

long kcssl_sign(const kcssl_identity *identity, bool is_pss, const void *bytes, size_t count, uint8_t *out, size_t room) {
  EVP_MD_CTX *context = ssl.EVP_MD_CTX_new();
  if (!context) return -1;
  EVP_PKEY_CTX *padding = NULL;
  bool is_ready = ssl.EVP_DigestSignInit(context, &padding, ssl.EVP_sha256(), NULL, identity->key) == 1;
  if (is_ready && is_pss)
    is_ready = ssl.EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1 && ssl.EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST) == 1;
  size_t n = room;
  if (is_ready) is_ready = ssl.EVP_DigestSign(context, out, &n, bytes, count) == 1;
  ssl.EVP_MD_CTX_free(context);
  ssl.ERR_clear_error();
  return is_ready ? (long)n : -1;
}
