// Role: the parts of an address that decide where it leads and who listens there.

package struct URLParts: Sendable, Hashable {
  /// Lower case.
  package var scheme: String
  /// Lower case, without the brackets of IPv6; empty for `file:///path` only.
  package var host: String
  package var port: Int?
  /// As it was sent: begins with `/`, or empty.
  package var path: String
  /// Without `?`; nil when there is none.
  package var query: String?

  /// Nil unless the text is an address of one of the schemes, with a host. User information is refused: in front of a host it only serves to hide it.
  package init?(_ text: String, schemes: Set<String> = ["http", "https"]) {
    guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return nil }
    scheme = text[..<colon].lowercased()
    guard schemes.contains(scheme) else { return nil }
    var rest = text[colon...].dropFirst(3)
    if let hash = rest.firstIndex(of: "#") { rest = rest[..<hash] }
    if let mark = rest.firstIndex(of: "?") {
      query = String(rest[rest.index(after: mark)...])
      rest = rest[..<mark]
    }
    let authority = rest.prefix { $0 != "/" }
    path = String(rest[authority.endIndex...])
    guard !authority.contains("@"), !authority.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F || $0 == 0x5C }) else { return nil }
    var name = authority
    if authority.hasPrefix("[") {
      guard let end = authority.firstIndex(of: "]") else { return nil }
      name = authority[...end]
      host = name.dropFirst().dropLast().lowercased()
    } else {
      name = authority.prefix { $0 != ":" }
      host = name.lowercased()
    }
    let behind = authority[name.endIndex...]
    if !behind.isEmpty {
      guard behind.hasPrefix(":"), let number = Int(behind.dropFirst()), (1...65_535).contains(number) else { return nil }
      port = number
    }
    if host.isEmpty, scheme != "file" { return nil }
  }

  /// Scheme, host and port.
  package var origin: String { "\(scheme)://\(host.contains(":") ? "[\(host)]" : host)" + (port.map { ":\($0)" } ?? "") }

  /// This machine: `localhost`, `::1`, or 127 and three more numbers.
  package var isLoopback: Bool {
    if host == "localhost" || host == "::1" { return true }
    let numbers = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
    return numbers.count == 4 && numbers[0] == 127 && !numbers.contains(nil)
  }
}
