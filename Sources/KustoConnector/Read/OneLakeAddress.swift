// Role: directories in OneLake for exported files: `https://HOST/WORKSPACE/ARTIFACT/PATH` or `abfss://WORKSPACE@HOST/ARTIFACT/PATH`, in one spelling.
// Source: the connector's rules for oneLakeUrl.

import DataSource

/// A checked directory. A token of the caller's goes to its host, and the text stands in a command: nothing is let through that could be read in
/// two ways.
struct OneLakeAddress: Sendable {
  /// `https://HOST/WORKSPACE/ARTIFACT/PATH`, as it was written; without a slash at the end.
  let url: String

  /// Throws OPTION_INVALID with the rule that is broken.
  init(_ text: String) throws {
    func invalid(_ rule: String) -> KConnectError {
      KConnectError(.optionInvalid, "option 'transientStorage' has a oneLakeUrl \(rule)", hint: "as in https://onelake.dfs.fabric.microsoft.com/WORKSPACE/ITEM/Files/PATH")
    }
    let scheme = text.prefix { $0 != ":" }.lowercased()
    guard ["https", "abfs", "abfss"].contains(scheme), text.dropFirst(scheme.count).hasPrefix("://") else { throw invalid("that is neither https:// nor abfss://") }
    guard !text.contains("?") else { throw invalid("with a query") }
    guard !text.contains("#") else { throw invalid("with a fragment") }
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"'\"\\;`".utf8.contains($0) }) else { throw invalid("with characters that an address does not have; encode them") }
    var rest = text.dropFirst(scheme.count + 3)
    if rest.hasSuffix("/") { rest.removeLast() }
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    var host = rest[..<slash]
    var segments = rest[slash...].dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    if let at = host.lastIndex(of: "@") {
      let workspace = host[..<at]
      guard scheme != "https" else { throw invalid("with a user before its host") }
      guard !workspace.isEmpty, !workspace.contains(":"), !workspace.contains("@") else { throw invalid("whose workspace is no name") }
      host = host[host.index(after: at)...]
      segments.insert(workspace, at: 0)
    } else if scheme != "https" {
      throw invalid("without its workspace before '@'")
    }
    guard !host.hasPrefix("[") else { throw invalid("whose host is an IP address") }
    guard !host.contains(":") else { throw invalid("with a port") }
    let labels = host.lowercased().split(separator: ".", omittingEmptySubsequences: false)
    guard labels.count > 1, !labels.contains(""), labels.last != "localhost" else { throw invalid("whose host is no full name") }
    guard !labels.allSatisfy({ $0.allSatisfy(\.isNumber) || $0.hasPrefix("0x") }) else { throw invalid("whose host is an IP address") }
    for segment in segments {
      let decoded = percentDecoded(segment)
      guard !decoded.isEmpty else { throw invalid("with an empty part in its path") }
      guard decoded != ".", decoded != ".." else { throw invalid("with '.' or '..' as a part of its path") }
      guard !decoded.contains("/"), !decoded.contains("\\") else { throw invalid("with an encoded slash in its path") }
      guard !decoded.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { throw invalid("with a control character in its path") }
    }
    guard segments.count >= 3 else { throw invalid("without workspace, item and a directory in it") }
    url = "https://" + host.lowercased() + "/" + segments.joined(separator: "/")
  }
}
