// Role: ipv4_lookup and ipv6_lookup: joins rows to the networks that hold their address. Networks lie in one hash table per prefix length, so a
// row costs as many probes as there are different prefix lengths.
// Source: Kusto language reference, the plugins' pages.

package import Columnar
import DataSource
import Expressions

/// Input 0: the source columns; input 1: the lookup columns. Output: the source columns, then the chosen lookup columns.
package struct IPLookupFunction: TableFunction {
  package let isIPv4Only: Bool
  package let sourceSchema: StructType
  package let lookupSchema: StructType
  package let sourceKey: Int
  package let lookupKey: Int
  /// Columns that must be equal besides: positions in the source and in the lookup table.
  package let extraKeys: [(source: Int, lookup: Int)]
  /// The lookup columns that are given, and their names.
  package let given: [(place: Int, name: String)]
  package let keepsUnmatched: Bool

  package init(
    isIPv4Only: Bool, sourceSchema: StructType, lookupSchema: StructType, sourceKey: Int, lookupKey: Int, extraKeys: [(source: Int, lookup: Int)],
    given: [(place: Int, name: String)], keepsUnmatched: Bool
  ) {
    self.isIPv4Only = isIPv4Only
    self.sourceSchema = sourceSchema
    self.lookupSchema = lookupSchema
    self.sourceKey = sourceKey
    self.lookupKey = lookupKey
    self.extraKeys = extraKeys
    self.given = given
    self.keepsUnmatched = keepsUnmatched
  }

  package var name: String { isIPv4Only ? "IPv4Lookup" : "IPv6Lookup" }
  package var schema: StructType { StructType(sourceSchema.fields + given.map { StructField($0.name, lookupSchema[$0.place].type) }) }

  package func apply(_ inputs: [[RecordBatch]], _ context: TableFunctionContext) throws -> [RecordBatch] {
    let lookup = try whole(inputs[1], schema: lookupSchema, context)
    try context.require(lookup.rowCount * 64)
    let networks = IPColumn(lookup.columns[lookupKey], isIPv4Only: isIPv4Only)
    let extras = GroupTable(types: extraKeys.map { lookupSchema[$0.lookup].type })
    let extra = extras.assign(keys: extraKeys.map { lookup.columns[$0.lookup] }, rowCount: lookup.rowCount)
    /// Rows of the lookup table by network, for each prefix length.
    var tables: [Int: [UInt128: [Int32]]] = [:]
    for row in 0..<lookup.rowCount where networks.prefixes[row] >= 0 {
      let prefix = networks.prefixes[row]
      tables[prefix, default: [:]][IPColumn.mask(networks.addresses[row], prefix), default: []].append(Int32(row))
    }
    let lengths = tables.sorted { $0.key > $1.key }
    var out: [RecordBatch] = []
    for batch in inputs[0] {
      try context.check()
      let addresses = IPColumn(batch.columns[sourceKey], isIPv4Only: isIPv4Only)
      let wanted = extras.find(keys: extraKeys.map { batch.columns[$0.source] }, rowCount: batch.rowCount, nullsMatch: false)
      var left: [Int32] = [], right: [Int32] = []
      for i in 0..<batch.rowCount {
        let before = left.count
        if addresses.prefixes[i] >= 0 {
          for (prefix, table) in lengths {
            for row in Self.rows(table, prefix, addresses.addresses[i], addresses.prefixes[i]) where extraKeys.isEmpty || extra[Int(row)] == wanted[i] {
              left.append(Int32(i))
              right.append(row)
            }
          }
        }
        if keepsUnmatched, left.count == before {
          left.append(Int32(i))
          right.append(-1)
        }
      }
      if left.isEmpty { continue }
      let positions = Buffer(right)
      let columns = batch.take(Buffer(left)).columns + given.map { lookup.columns[$0.place].take(positions, allowsMissing: true) }
      let made = RecordBatch(schema: schema, columns: columns, rowCount: left.count)
      try context.require(made.byteSize)
      out.append(made)
    }
    return out
  }

  /// Rows whose network of length `prefix` agrees with an address in the bits that count for both.
  private static func rows(_ table: [UInt128: [Int32]], _ prefix: Int, _ address: UInt128, _ addressPrefix: Int) -> [Int32] {
    if addressPrefix >= prefix { return table[IPColumn.mask(address, prefix)] ?? [] }
    let wanted = IPColumn.mask(address, addressPrefix)
    return table.filter { IPColumn.mask($0.key, addressPrefix) == wanted }.flatMap(\.value).sorted()
  }
}
