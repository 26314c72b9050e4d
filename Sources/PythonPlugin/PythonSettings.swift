// Role: what whoever starts the program decides about Python scripts.

package import DataSource

/// Settings of the plugin.
package struct PythonSettings: Sendable {
  /// The interpreter: a name to be found on PATH, or a path. It needs pandas and pyarrow.
  package var interpreter = "python3"
  /// Seconds that a script may take.
  package var timeoutSeconds = 240
  /// Bytes that a script may allocate; its result and its own files may each be as large.
  package var memoryBytes = 4 << 30
  /// Scripts at a time; others wait.
  package var maxScripts = 4
  /// Directory for what goes to and from scripts; nil: the system's temporary directory.
  package var temporaryDirectory: String?
  /// Directories that a script must not be able to read, such as the store.
  package var protectedPaths: [String] = []
  /// Refuse scripts where the kernel cannot confine them; else they run with limits only.
  package var requiresConfinement = false
  /// Throws for places that artifacts must not be read from.
  package var checkArtifact: @Sendable (String) throws -> Void = { _ in }

  package init() {}

  /// Seconds as text, from 1 to a day. Throws CONFIGURATION.
  package static func timeout(_ text: String, setting: String) throws(KConnectError) -> Int {
    guard let seconds = Int(text), (1...86_400).contains(seconds) else {
      throw KConnectError(.configuration, "'\(setting)': found '\(text.prefix(80))', expected seconds from 1 to 86400")
    }
    return seconds
  }
}
