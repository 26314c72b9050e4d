// Role: a needle against a whole column. Flat columns are searched as one run of bytes across row ends, hits are mapped back to rows;
// other forms and Unicode folding go row by row.

import CSIMD
import Columnar

extension TextNeedle {
  /// The rows of a text vector that match; null rows count as ''.
  // SAFETY: the one row is a window on the vector's memory, which the caller keeps alive.
  func search(_ vector: ColumnVector, _ n: Int) -> Bitmap {
    if vector.isConstant { return unsafe Bitmap(repeating: n > 0 && matches(TextRows(vector)[0]), count: n) }
    guard case .bytes(let offsets, let data) = vector.storage, !foldsUnicode, count > 0 else { return searchRows(vector, n) }
    let found: Bitmap
    switch test {
    case .contains, .has, .hasPrefix, .hasSuffix: found = searchRun(offsets, data, n)
    case .equals, .startsWith, .endsWith: found = searchEnds(offsets, data, n)
    }
    // Null rows are '', which contains no needle.
    return vector.validity.map { found.and($0) } ?? found
  }

  // SAFETY: rows below n are windows on the vector's memory, kept alive to the end.
  private func searchRows(_ vector: ColumnVector, _ n: Int) -> Bitmap {
    let text = TextRows(vector)
    return withExtendedLifetime(vector) { bits(n) { unsafe matches(text[$0]) } }
  }

  /// equals, startswith and endswith: one comparison per row that is long enough, first byte first.
  // SAFETY: `count` is above 0, so the needle has a first byte; a row's bytes lie between its offsets, and `at` has `length` of them left. Offsets
  // and data are kept alive to the end.
  private func searchEnds(_ offsets: Buffer<Int32>, _ data: Buffer<UInt8>, _ n: Int) -> Bitmap {
    let o = unsafe offsets.pointer, bytes = unsafe data.pointer
    let length = count
    let isEnd = test == .endsWith, isWhole = test == .equals
    let first = unsafe needle.text[0], fold = unsafe needle.folds.map { unsafe $0[0] } ?? 0
    let found = bits(n) { i in
      let start = unsafe Int(o[i]), stop = unsafe Int(o[i &+ 1])
      let size = stop &- start
      if size < length || isWhole && size != length { return false }
      let at = isEnd ? stop &- length : start
      return unsafe bytes[at] | fold == first && isAt(bytes + at)
    }
    withExtendedLifetime((offsets, data)) {}
    return found
  }

  // SAFETY: hits lie in bytes[o[0]..<o[n]], so there is a row below n that ends behind each; `isTerm` gets the row and a place in it where the needle
  // fits. The needle's texts live as long as this object, offsets and data through the call.
  private func searchRun(_ offsets: Buffer<Int32>, _ data: Buffer<UInt8>, _ n: Int) -> Bitmap {
    unsafe Bitmap.build(count: n) { words in
      let o = unsafe offsets.pointer, bytes = unsafe data.pointer
      let end = unsafe Int(o[n])
      let needsTerm = test != .contains
      let length = count
      var needle = unsafe needle
      var row = 0
      var from = unsafe Int(o[0])
      while from < end {
        let hit = unsafe csimd_find(bytes, end, from, &needle)
        if hit < 0 { break }
        while unsafe Int(o[row &+ 1]) <= hit { row &+= 1 }
        let start = unsafe Int(o[row]), stop = unsafe Int(o[row &+ 1])
        if hit &+ length <= stop, unsafe !needsTerm || isTerm(bytes + start, stop - start, hit - start) {
          unsafe words[row >> 6] |= 1 << UInt64(row & 63)
          from = stop
        } else {
          from = hit &+ 1
        }
      }
    }
  }
}
