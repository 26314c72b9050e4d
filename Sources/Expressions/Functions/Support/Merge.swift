// Role: puts the branches of a choice together: each row comes from the one part that claims it.

import Columnar

#if canImport(Glibc)
import Glibc
#endif

extension ColumnVector {
  /// Rows from parts whose `rows` do not overlap; a compact part holds only its rows, one behind the other. Rows no part claims are null.
  // SAFETY: each bit of a part's rows is a row below `count`, the number of positions, and belongs to one part only; `rows` is kept alive behind
  // the loops.
  static func merge(_ parts: [(rows: Bitmap, values: ColumnVector, isCompact: Bool)], type: DataType, count: Int) -> ColumnVector {
    if parts.count == 1, parts[0].rows.isAllSet { return parts[0].values }
    if type.isVariableWidth, parts.allSatisfy({ $0.values.isConstant }) { return mergeConstants(parts, type, count) }
    // Position of each row in the parts put behind each other.
    let all = ColumnVector.concat(parts.map { $0.values.isConstant ? $0.values.one : $0.values }, type: type)
    let builder = BufferBuilder<Int32>(capacity: count)
    let positions = unsafe builder.appendUninitialized(count)
    for i in 0..<count { unsafe positions[i] = -1 }
    var claimed = 0
    var base: Int32 = 0
    for part in parts {
      let rows = part.rows.indices()
      let n = rows.count, at = unsafe rows.pointer
      claimed += n
      if part.values.isConstant {
        for k in 0..<n { unsafe positions[Int(at[k])] = base }
        base &+= 1
      } else {
        if part.isCompact {
          for k in 0..<n { unsafe positions[Int(at[k])] = base &+ Int32(truncatingIfNeeded: k) }
        } else {
          for k in 0..<n { unsafe positions[Int(at[k])] = unsafe base &+ at[k] }
        }
        base &+= Int32(truncatingIfNeeded: part.values.count)
      }
      withExtendedLifetime(rows) {}
    }
    return all.take(builder.finish(), allowsMissing: claimed < count)
  }

  /// Constant texts become a dictionary.
  // SAFETY: as in `merge`; the one text is copied while `one` is alive.
  private static func mergeConstants(
    _ parts: [(rows: Bitmap, values: ColumnVector, isCompact: Bool)], _ type: DataType, _ count: Int
  ) -> ColumnVector {
    let codes = BufferBuilder<Int32>(capacity: count)
    let out = unsafe codes.appendUninitialized(count)
    for i in 0..<count { unsafe out[i] = 0 }
    var present = Bitmap(repeating: false, count: count)
    let text = StringBuilder()
    for part in parts where part.rows.popcount > 0 {
      let one = part.values.one
      guard one.validity == nil else { continue }
      let rows = part.rows.indices()
      let code = Int32(truncatingIfNeeded: text.count)
      for k in 0..<rows.count { unsafe out[Int(rows.pointer[k])] = code }
      present = present.or(part.rows)
      unsafe text.append(TextRows(one)[0])
      withExtendedLifetime(one) {}
    }
    if text.count == 0 { return .nulls(type, count: count) }
    return .dictionary(codes: codes.finish(), values: text.finish(type), validity: present)
  }
}
