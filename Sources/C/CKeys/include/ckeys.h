// Public and private keys of tokens on libcrypto (OpenSSL 3), which is linked: only the server uses this. No policy: which algorithms and key
// sizes are accepted is decided in Swift.
#ifndef KCONNECT_CKEYS_H
#define KCONNECT_CKEYS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A key pair or a public key.
typedef struct kckeys_key kckeys_key;

typedef enum {
  KCKEYS_RS256,  // RSA with PKCS #1 v1.5 padding
  KCKEYS_PS256,  // RSA-PSS, salt as long as the digest
  KCKEYS_ES256,  // ECDSA on P-256, signature as r || s
} kckeys_algorithm;

/// Each gives null when the bytes are no such key, or memory is out. Thread-safe.
kckeys_key *_Nullable kckeys_generate_rsa(int bits);
kckeys_key *_Nullable kckeys_read_private_pem(const void *_Nonnull bytes, size_t count);
/// A public key (`PUBLIC KEY`, `RSA PUBLIC KEY`) or the one of a certificate.
kckeys_key *_Nullable kckeys_read_public_pem(const void *_Nonnull bytes, size_t count);
/// A certificate in DER.
kckeys_key *_Nullable kckeys_read_certificate(const void *_Nonnull bytes, size_t count);
/// Big-endian numbers.
kckeys_key *_Nullable kckeys_make_rsa(const void *_Nonnull n, size_t n_count, const void *_Nonnull e, size_t e_count);
/// A point of P-256; each coordinate has 32 bytes.
kckeys_key *_Nullable kckeys_make_p256(const uint8_t *_Nonnull x, const uint8_t *_Nonnull y);
void kckeys_free(kckeys_key *_Nonnull key);

/// Bits of an RSA modulus; 0 for other keys.
int kckeys_rsa_bits(const kckeys_key *_Nonnull key);
/// Writes a number of an RSA public key, big-endian; its length, or -1 when it does not fit.
long kckeys_rsa_modulus(const kckeys_key *_Nonnull key, uint8_t *_Nonnull out, size_t room);
long kckeys_rsa_exponent(const kckeys_key *_Nonnull key, uint8_t *_Nonnull out, size_t room);
/// PKCS #8 text; its length, or -1.
long kckeys_private_pem(const kckeys_key *_Nonnull key, uint8_t *_Nonnull out, size_t room);
/// Digests of the certificate the key was read from; false when it was read from something else.
bool kckeys_certificate_sha1(const kckeys_key *_Nonnull key, uint8_t *_Nonnull out);
bool kckeys_certificate_sha256(const kckeys_key *_Nonnull key, uint8_t *_Nonnull out);
/// Seconds since 1970 between which the certificate is valid; false as above.
bool kckeys_certificate_validity(const kckeys_key *_Nonnull key, int64_t *_Nonnull from, int64_t *_Nonnull until);

/// The length of the signature, or -1.
long kckeys_sign(const kckeys_key *_Nonnull key, kckeys_algorithm algorithm, const void *_Nonnull bytes, size_t count, uint8_t *_Nonnull out, size_t room);
/// False also for keys of another kind than the algorithm's.
bool kckeys_verify(
  const kckeys_key *_Nonnull key, kckeys_algorithm algorithm, const void *_Nonnull bytes, size_t count, const uint8_t *_Nonnull signature, size_t signature_count);

/// `out` has 32 bytes.
bool kckeys_sha256(const void *_Nullable bytes, size_t count, uint8_t *_Nonnull out);
bool kckeys_pbkdf2_sha256(const void *_Nonnull secret, size_t count, const uint8_t *_Nonnull salt, size_t salt_count, int rounds, uint8_t *_Nonnull out);
/// Takes the same time wherever the two differ.
bool kckeys_equal(const uint8_t *_Nonnull a, const uint8_t *_Nonnull b, size_t count);
#endif
