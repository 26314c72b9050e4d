// Role: the header `Range` of a request: which bytes of a blob are wanted.
// Source: RFC 9110, section 14.1.2.

/// One range of bytes.
enum ByteRange: Equatable {
  case part(start: Int, count: Int)
  /// None of it lies within the bytes there are.
  case unsatisfiable

  /// nil for what is answered with all bytes: other units, several ranges, forms that are none.
  init?(_ text: String, size: Int) {
    guard text.hasPrefix("bytes=") else { return nil }
    let bounds = text.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false).map { $0.filter { $0 != " " } }
    guard bounds.count == 2, bounds.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else { return nil }
    let first = Int(bounds[0]), last = Int(bounds[1])
    switch (first, last) {
    case (let first?, _) where bounds[1].isEmpty || last != nil:
      let last = min(last ?? Int.max, size - 1)
      // A range that ends before it begins is none.
      if let given = Int(bounds[1]), given < first { return nil }
      self = first < size ? .part(start: first, count: last - first + 1) : .unsatisfiable
    case (nil, let suffix?) where bounds[0].isEmpty:
      let count = min(suffix, size)
      self = count > 0 ? .part(start: size - count, count: count) : .unsatisfiable
    default: return nil
    }
  }
}
