// Role: which user came in which period, sorted by dimension values, user and period: the common ground of the activity plugins.

import Columnar
import Expressions

/// The visits of all users, grouped.
struct Visits {
  /// One user's rows in one period.
  struct Visit {
    var period: Int
    var count: Int64
  }

  /// The visits of one combination of dimension values: user by user, each user's in order.
  struct Users {
    fileprivate let entries: ArraySlice<Entry>
    fileprivate let visits: ArraySlice<Visit>

    /// Gives each user's number and visits; there is at least one.
    func forEach(_ body: (Int32, ArraySlice<Visit>) -> Void) {
      var start = entries.startIndex
      while start < entries.endIndex {
        var end = start + 1
        while end < entries.endIndex, entries[end].id == entries[start].id { end += 1 }
        body(entries[start].id, visits[start..<end])
        start = end
      }
    }
  }

  fileprivate struct Entry {
    var dimension: Int32
    var id: Int32
    var period: Int32
    var count: Int64
  }

  private let entries: [Entry]
  private let visits: [Visit]
  private let dimensionTable: GroupTable
  private let idTable: GroupTable

  /// Batches of (dimensions, id, start of period, number of rows); rows whose period is none of `periods` are left out.
  init(_ batches: [RecordBatch], dimensions: [DataType], idType: DataType, periods: [Int64], _ context: TableFunctionContext) throws {
    dimensionTable = GroupTable(types: dimensions)
    idTable = GroupTable(types: [idType])
    var places: [Int64: Int32] = [:]
    for (p, start) in periods.enumerated() { places[start] = Int32(p) }
    var entries: [Entry] = []
    let d = dimensions.count
    for batch in batches {
      try context.check()
      try context.require(batch.rowCount * 48)
      let groups = dimensionTable.assign(keys: Array(batch.columns[0..<d]), rowCount: batch.rowCount)
      let ids = idTable.assign(keys: [batch.columns[d]], rowCount: batch.rowCount)
      let starts = batch.columns[d + 1].integers(missing: .min)
      let counts = batch.columns[d + 2].integers()
      for i in 0..<batch.rowCount {
        guard let period = places[starts[i]] else { continue }
        entries.append(Entry(dimension: groups[i], id: ids[i], period: period, count: counts[i]))
      }
    }
    entries.sort { ($0.dimension, $0.id, $0.period) < ($1.dimension, $1.id, $1.period) }
    self.entries = entries
    visits = entries.map { Visit(period: Int($0.period), count: $0.count) }
  }

  /// Calls `body` for each combination of dimension values, in the order of first appearance.
  func forEachDimension(_ body: (Int32, Users) throws -> Void) throws {
    var start = 0
    while start < entries.count {
      var end = start + 1
      while end < entries.count, entries[end].dimension == entries[start].dimension { end += 1 }
      try body(entries[start].dimension, Users(entries: entries[start..<end], visits: visits[start..<end]))
      start = end
    }
  }

  /// The values of a combination.
  func key(_ dimension: Int32) -> [Scalar] {
    dimensionTable.types.isEmpty ? [] : dimensionTable.keyColumns(Int(dimension)..<Int(dimension) + 1).map { $0.scalar(0) }
  }

  /// The numbers of the users in the first column of other batches; unknown ones are left out.
  func ids(of batches: [RecordBatch]) -> Set<Int32> {
    var out: Set<Int32> = []
    for batch in batches { for id in idTable.find(keys: [batch.columns[0]], rowCount: batch.rowCount).array where id >= 0 { out.insert(id) } }
    return out
  }
}
