// Role: which file is read when none is named.

#if canImport(Glibc)
import Glibc
#endif
import DataSource

package enum ConfigurationSearch {
  /// `KCONNECT_CONFIG`, else `$XDG_CONFIG_HOME/kconnect/config.toml` (`~/.config/…`), else `/etc/kconnect/config.toml`; nil when none is
  /// there. A file that the variable names must exist.
  package static func path() -> String? {
    if let named = variable("KCONNECT_CONFIG") { return named }
    var places: [String] = []
    if let home = variable("XDG_CONFIG_HOME") ?? variable("HOME").map({ joinPath($0, ".config") }) { places.append(joinPath(home, "kconnect/config.toml")) }
    places.append("/etc/kconnect/config.toml")
    return places.first { pathKind($0) == .file }
  }

  private static func variable(_ name: String) -> String? {
    // SAFETY: the environment is not changed while commands run; the text is copied.
    unsafe getenv(name).map { unsafe String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }
}
