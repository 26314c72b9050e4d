// Role: environment variables and small files.

import DataSource

#if canImport(Glibc)
import Glibc
#endif

enum Environment {
  /// The value of a variable, nil when unset.
  static func value(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }

  /// Sets a variable of this process, before other threads run.
  static func set(_ name: String, _ value: String) {
    // SAFETY: setenv copies both zero-terminated texts during the call.
    unsafe setenv(name, value, 1)
  }

  /// The text of a small file. Throws PATH_NOT_FOUND, PERMISSION, or CONFIGURATION above 16 MB.
  static func readFile(_ path: String) throws -> String {
    guard let bytes = try SmallFile.read(path, limit: 16 << 20, tooLarge: .configuration) else {
      throw KConnectError(.pathNotFound, "'\(path)' does not exist")
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
