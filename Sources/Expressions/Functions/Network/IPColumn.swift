// Role: a text column as IP networks, for lookups by prefix.

package import Columnar

/// The networks of a text column's rows.
package struct IPColumn: Sendable {
  /// Addresses; IPv4 is mapped into IPv6.
  package let addresses: [UInt128]
  /// How many of the 128 bits count; -1 where the text is no address or null.
  package let prefixes: [Int]

  /// Reads IPv4 texts, or both kinds.
  package init(_ column: ColumnVector, isIPv4Only: Bool) {
    var addresses = [UInt128](repeating: 0, count: column.count)
    var prefixes = [Int](repeating: -1, count: column.count)
    let text = TextRows(column)
    for i in 0..<column.count where column.isValid(i) {
      if isIPv4Only {
        guard let network = unsafe IPv4Network(text[i]) else { continue }
        addresses[i] = 0xFFFF << 32 | UInt128(network.address)
        prefixes[i] = 96 + network.prefix
      } else if let network = unsafe IPv6Network(text[i]) {
        addresses[i] = network.address
        prefixes[i] = network.prefix
      }
    }
    self.addresses = addresses
    self.prefixes = prefixes
  }

  /// The bits of an address that count for a prefix length of 0...128.
  package static func mask(_ address: UInt128, _ prefix: Int) -> UInt128 { address & IPv6Network.mask(prefix) }
}
