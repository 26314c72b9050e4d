// libcrypto, loaded when the first signature or digest is wanted: linking it would cost every command part of its start-up time.
// Digests, HMAC, Base64, and identities (RSA key + certificates) read from PEM or PKCS #12. No policy: which algorithm is used is decided in Swift.
#ifndef KCONNECT_COPENSSL_H
#define KCONNECT_COPENSSL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Loads libcrypto.so.3 once; false when it is not installed (`kcssl_load_error` says why). Thread-safe.
bool kcssl_load(void);
const char *_Nonnull kcssl_load_error(void);

// Call the rest only after kcssl_load() returned true.

/// `out` has 32 bytes (20 for SHA-1). False: libcrypto refused.
bool kcssl_sha256(const void *_Nullable bytes, size_t count, uint8_t *_Nonnull out);
bool kcssl_sha1(const void *_Nullable bytes, size_t count, uint8_t *_Nonnull out);
bool kcssl_hmac_sha256(const void *_Nullable key, size_t key_count, const void *_Nullable bytes, size_t count, uint8_t *_Nonnull out);

/// An MD5 over bytes as they come: storage services compare it, nothing is protected by it. Null: libcrypto refused.
typedef struct kcssl_md5 kcssl_md5;
kcssl_md5 *_Nullable kcssl_md5_new(void);
bool kcssl_md5_add(kcssl_md5 *_Nonnull digest, const void *_Nullable bytes, size_t count);
/// `out` has 16 bytes; once.
bool kcssl_md5_finish(kcssl_md5 *_Nonnull digest, uint8_t *_Nonnull out);
void kcssl_md5_free(kcssl_md5 *_Nonnull digest);

/// A private key with its certificate and the chain above it.
typedef struct kcssl_identity kcssl_identity;

/// What is wrong with the bytes of an identity.
typedef enum {
  KCSSL_OK = 0,
  KCSSL_NO_KEY,           // no private key in it
  KCSSL_NO_CERTIFICATE,   // no certificate in it
  KCSSL_BAD_PASSWORD,     // encrypted; the password is missing or wrong
  KCSSL_MISMATCH,         // the key does not belong to the certificate
  KCSSL_NOT_RSA,
  KCSSL_MALFORMED,
} kcssl_status;

/// Reads PEM text or PKCS #12 (told apart by its beginning). `password` ends with 0; null for none.
kcssl_identity *_Nullable kcssl_identity_read(const void *_Nonnull bytes, size_t count, const char *_Nullable password, kcssl_status *_Nonnull status);
void kcssl_identity_free(kcssl_identity *_Nonnull identity);
/// Certificates, the own one first.
int kcssl_certificate_count(const kcssl_identity *_Nonnull identity);
/// The DER form of a certificate: its length; written to `out` when that has room. -1: libcrypto refused.
int kcssl_certificate_der(const kcssl_identity *_Nonnull identity, int index, uint8_t *_Nullable out, int room);
/// Seconds since 1970 at which the own certificate's validity ends; 0 when it cannot be told.
int64_t kcssl_not_after(const kcssl_identity *_Nonnull identity);
/// SHA-256 with RSA: PKCS #1 v1.5, or PSS with a salt as long as the digest. Writes at most `room` bytes; their count, or -1.
long kcssl_sign(const kcssl_identity *_Nonnull identity, bool is_pss, const void *_Nonnull bytes, size_t count, uint8_t *_Nonnull out, size_t room);
#endif
