// Role: what a path text means: standard input or output, a URL, a local path; schemes nobody serves here are refused by name.

import DataSource

/// A path as the user wrote it, classified.
package enum SourcePath: Sendable, Hashable {
  /// `-` or `stdin:`.
  case standardStream
  /// `http://…`, `https://…`, and the addresses of stores: `wasbs://…`, `abfss://…`.
  case url(String)
  /// A file, directory or pattern; `file:` URLs are unwrapped.
  case local(String)

  /// Throws NOT_SUPPORTED for other schemes and USAGE for an empty path.
  package init(_ text: String) throws {
    if text.isEmpty { throw KConnectError(.usage, "the path is empty", hint: "give a file, a directory, a pattern, a URL or '-'") }
    if text == "-" || text == "stdin:" || text == "stdout:" {
      self = .standardStream
      return
    }
    guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else {
      self = .local(text.hasPrefix("file:") ? percentDecoded(text.dropFirst(5)) : text)
      return
    }
    let scheme = text[..<colon]
    let isScheme = !scheme.isEmpty && scheme.utf8.allSatisfy { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2B || $0 == 0x2D || $0 == 0x2E }
    guard isScheme else {
      self = .local(text)
      return
    }
    switch scheme.lowercased() {
    case "http", "https", "wasb", "wasbs", "abfs", "abfss": self = .url(text)
    case "file":
      let rest = text[text.index(colon, offsetBy: 3)...]
      guard let slash = rest.firstIndex(of: "/") else { throw KConnectError(.usage, "'\(text)' has no path", hint: "write file:///path") }
      let host = rest[..<slash]
      guard host.isEmpty || host == "localhost" else { throw KConnectError(.notSupported, "'\(text)': files of another host ('\(host)')") }
      self = .local(percentDecoded(rest[slash...]))
    default:
      throw KConnectError(
        .notSupported, "'\(URLText.shown(text))': not supported yet: the URL scheme '\(scheme)'", hint: "supported are local paths, file:, http:, https:, wasbs: and abfss:")
    }
  }

  /// The path without a URL's query and fragment: what extensions are read from.
  package var nameForExtension: String {
    switch self {
    case .standardStream: return "-"
    case .local(let path): return path
    case .url(let url): return String(url.prefix { $0 != "?" && $0 != "#" })
    }
  }
}
