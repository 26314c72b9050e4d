// Which rows of a row group are wanted, as ascending runs. The decoder knows nothing of predicates: pruning hands it one of these.

/// Ascending, non-empty, non-touching ranges of rows within a row group.
package struct RowSelection: Sendable, Equatable {
  package private(set) var ranges: [Range<Int>]

  /// All rows of a row group.
  package init(all rowCount: Int) { ranges = rowCount > 0 ? [0..<rowCount] : [] }

  /// Sorts and joins the given ranges.
  package init(_ given: [Range<Int>]) {
    ranges = []
    for range in given.filter({ !$0.isEmpty }).sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = ranges.last, range.lowerBound <= last.upperBound {
        ranges[ranges.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        ranges.append(range)
      }
    }
  }

  /// Rows selected.
  package var rowCount: Int { ranges.reduce(0) { $0 + $1.count } }
  package var isEmpty: Bool { ranges.isEmpty }

  /// Rows that both select.
  package func intersection(_ other: RowSelection) -> RowSelection {
    var out: [Range<Int>] = []
    var i = 0
    var j = 0
    while i < ranges.count, j < other.ranges.count {
      let both = ranges[i].clamped(to: other.ranges[j])
      if !both.isEmpty { out.append(both) }
      if ranges[i].upperBound < other.ranges[j].upperBound { i += 1 } else { j += 1 }
    }
    return RowSelection(out)
  }

  /// True when some selected row lies in `rows`.
  package func overlaps(_ rows: Range<Int>) -> Bool {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound <= rows.lowerBound { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].lowerBound < rows.upperBound && !rows.isEmpty
  }

  /// The selection cut into windows: runs of rows within one selected range, at most `size` rows each.
  package func windows(of size: Int) -> [Range<Int>] {
    var out: [Range<Int>] = []
    for range in ranges {
      var start = range.lowerBound
      while start < range.upperBound {
        let end = min(start + size, range.upperBound)
        out.append(start..<end)
        start = end
      }
    }
    return out
  }
}
