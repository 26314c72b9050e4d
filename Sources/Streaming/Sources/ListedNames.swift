// Role: the names of one directory that a listing need not look at again, in the order in which they were listed. The next listing comes in
// nearly the same order, so that a name is known by comparing its bytes with the next ones: neither text nor hash is made of it.

#if canImport(Glibc)
import Glibc
#endif

/// Names in order. A name that is not found where it is expected is not in doubt: the caller asks whoever knows.
struct ListedNames {
  /// The names, each with a zero byte behind it; a name holds none.
  private var bytes: ContiguousArray<UInt8> = []
  private(set) var count = 0

  /// How many expected names are tried before one counts as unexpected: those between are gone.
  private static let lookahead = 4

  mutating func reserve(like other: ListedNames) { bytes.reserveCapacity(other.bytes.count + 256) }

  /// SAFETY: `name` ends with a zero byte.
  @unsafe mutating func append(_ name: UnsafePointer<CChar>) {
    let length = unsafe strlen(name) + 1
    unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: name, count: length))
    count += 1
  }

  /// True when the name is one of the next; `place` is moved behind it then.
  @unsafe func isNext(_ name: UnsafePointer<CChar>, at place: inout Int) -> Bool {
    let length = unsafe strlen(name) + 1
    // SAFETY: every comparison lies within the buffer: `at + length` is checked, and a name ends with the zero byte that ends each entry.
    return unsafe bytes.withUnsafeBytes { all in
      guard let base = all.baseAddress else { return false }
      var at = place
      for _ in 0..<Self.lookahead {
        guard at < all.count else { return false }
        if unsafe at + length <= all.count && memcmp(base + at, name, length) == 0 {
          place = at + length
          return true
        }
        unsafe at += strlen((base + at).assumingMemoryBound(to: CChar.self)) + 1
      }
      return false
    }
  }
}
