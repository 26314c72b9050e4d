// Role: external tables of delimited files of which only the first in a directory has a header: which file that is, and how it is read apart from the
// others. Source: Kusto reference, "Create and alter Azure Storage external tables", includeHeaders.

import Columnar
import DataSource
import Engine
import FileConnector

extension ExternalTable {
  /// Whether the first file of a directory has a header, and the others have none.
  var headsFirstFiles: Bool { hasHeader && headers == "FirstFile" }

  /// The rows of the files.
  func plan(_ executor: CommandExecutor) throws -> LogicalPlan {
    for path in paths { try executor.pathGuard?(path) }
    if presentPaths.isEmpty, let columns { return .values(columns, []) }
    guard headsFirstFiles, try IngestFormat(format).kind == "csv" else { return .scan(try open(executor)) }
    let (first, others) = Self.byHeader(try files())
    if others.isEmpty { return .scan(try open(executor)) }
    let inputs: [LogicalPlan] = [.scan(try open(executor, (files: first, hasHeader: true))), .scan(try open(executor, (files: others, hasHeader: false)))]
    return try LogicalPlan.union(inputs)
  }

  /// The first file of each directory that is not empty, by name, and the others.
  private static func byHeader(_ files: [FileEntry]) -> (first: [FileEntry], others: [FileEntry]) {
    var places: [String: Int] = [:]
    for (i, file) in files.enumerated() where file.size != 0 {
      let directory = parentPath(file.path)
      if let known = places[directory], !NaturalOrder.isBefore(lastPathComponent(file.path), lastPathComponent(files[known].path)) { continue }
      places[directory] = i
    }
    let chosen = Set(places.values)
    return (files.indices.filter { chosen.contains($0) }.map { files[$0] }, files.indices.filter { !chosen.contains($0) }.map { files[$0] })
  }

  /// How many files are in the directory that rows are exported to, so that those to come stand behind the one with the header. Throws NOT_SUPPORTED
  /// where they could not.
  func filesBefore(exportTo directory: String) throws -> Int {
    guard pathKind(directory) == .directory else { return 0 }
    let home = resolvedPath(directory)
    let names = try files().filter { $0.size != 0 && resolvedPath(parentPath($0.path)) == home }.map { lastPathComponent($0.path) }
    let next = (namePrefix.isEmpty ? "export" : namePrefix) + "_\(names.count + 1)_"
    if let first = names.min(by: NaturalOrder.isBefore), NaturalOrder.isBefore(next, first) {
      throw KConnectError(
        .notSupported, "not supported: export to the external table '\(name)': its first file, '\(first)', has the header, and new files would stand before it",
        hint: "includeHeaders='All' gives every file a header")
    }
    return names.count
  }
}

/// The order of names in which numbers count by their value: `f_2` comes before `f_10`.
enum NaturalOrder {
  static func isBefore(_ a: String, _ b: String) -> Bool {
    let x = Array(a.utf8), y = Array(b.utf8)
    var i = 0, j = 0
    while i < x.count, j < y.count {
      if isDigit(x[i]), isDigit(y[j]) {
        let m = number(x, &i), n = number(y, &j)
        if m.count != n.count { return m.count < n.count }
        if m != n { return m.lexicographicallyPrecedes(n) }
      } else {
        if x[i] != y[j] { return x[i] < y[j] }
        i += 1
        j += 1
      }
    }
    if (i < x.count) != (j < y.count) { return j < y.count }
    return a < b
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  /// The digits at a place without leading zeros; the place moves behind them.
  private static func number(_ bytes: [UInt8], _ i: inout Int) -> ArraySlice<UInt8> {
    let start = i
    while i < bytes.count, isDigit(bytes[i]) { i += 1 }
    return bytes[start..<i].drop { $0 == 0x30 }
  }
}
