// Role: which certificate authorities transfers trust, where the environment says so.

#if canImport(Glibc)
import Glibc
#endif

/// The file of `CURL_CA_BUNDLE`, else of `SSL_CERT_FILE`: the names that curl and OpenSSL use.
package enum CertificateAuthorities {
  /// A PEM file; nil: the system's authorities.
  package static var file: String? {
    for name in ["CURL_CA_BUNDLE", "SSL_CERT_FILE"] {
      // SAFETY: getenv answers nil or a zero-terminated text, which is copied at once.
      if let path = unsafe getenv(name).map({ unsafe String(cString: $0) }), !path.isEmpty { return path }
    }
    return nil
  }
}
