// Role: a needle against a whole column. Flat columns are searched as one run of bytes across row ends, hits are mapped back to rows;
// other forms and Unicode folding go row by row.

import CSIMD
import Columnar

extension TextNeedle {
  /// The rows of a text vector that match; null rows count as ''.
  func search(_ vector: ColumnVector, _ n: Int) -> Bitmap {
    if vector.isConstant { return Bitmap(repeating: n > 0 && matches(TextRows(vector)[0]), count: n) }
    guard case .bytes(let offsets, let data) = vector.storage, !foldsUnicode, count > 0 else { return searchRows(vector, n) }
    let found: Bitmap
    switch test {
    case .contains, .has, .hasPrefix, .hasSuffix: found = searchRun(offsets, data, n)
    case .equals, .startsWith, .endsWith: found = searchEnds(offsets, data, n)
    }
    // Null rows are '', which contains no needle.
    return vector.validity.map { found.and($0) } ?? found
  }

  private func searchRows(_ vector: ColumnVector, _ n: Int) -> Bitmap {
    let text = TextRows(vector)
    return withExtendedLifetime(vector) { bits(n) { matches(text[$0]) } }
  }

  /// equals, startswith and endswith: one comparison per row that is long enough, first byte first.
  private func searchEnds(_ offsets: Buffer<Int32>, _ data: Buffer<UInt8>, _ n: Int) -> Bitmap {
    let o = offsets.pointer, bytes = data.pointer
    let length = count
    let isEnd = test == .endsWith, isWhole = test == .equals
    let first = needle.text[0], fold = needle.folds.map { $0[0] } ?? 0
    let found = bits(n) { i in
      let start = Int(o[i]), stop = Int(o[i &+ 1])
      let size = stop &- start
      if size < length || isWhole && size != length { return false }
      let at = isEnd ? stop &- length : start
      return bytes[at] | fold == first && isAt(bytes + at)
    }
    withExtendedLifetime((offsets, data)) {}
    return found
  }

  private func searchRun(_ offsets: Buffer<Int32>, _ data: Buffer<UInt8>, _ n: Int) -> Bitmap {
    Bitmap.build(count: n) { words in
      let o = offsets.pointer, bytes = data.pointer
      let end = Int(o[n])
      let needsTerm = test != .contains
      let length = count
      var needle = needle
      var row = 0
      var from = Int(o[0])
      while from < end {
        let hit = csimd_find(bytes, end, from, &needle)
        if hit < 0 { break }
        while Int(o[row &+ 1]) <= hit { row &+= 1 }
        let start = Int(o[row]), stop = Int(o[row &+ 1])
        if hit &+ length <= stop, !needsTerm || isTerm(bytes + start, stop - start, hit - start) {
          words[row >> 6] |= 1 << UInt64(row & 63)
          from = stop
        } else {
          from = hit &+ 1
        }
      }
    }
  }
}
