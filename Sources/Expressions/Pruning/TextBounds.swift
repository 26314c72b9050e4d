// Role: the byte range of texts that start with a prefix, exactly or whatever the case.

import Columnar

enum TextBounds {
  /// The range of texts that start with `prefix`.
  static func starting(with prefix: String) -> ValueRange {
    ValueRange(type: .string, low: .string(prefix), high: successor(Array(prefix.utf8)), mayBeNull: false)
  }

  /// Ranges that together hold all texts that start with `prefix` in any case: one for each spelling of the first letters. Letters whose
  /// other case may lie outside ASCII (i, k, s: dotted I, the Kelvin sign, long s) and characters beyond ASCII end the part that is used.
  static func startingAnyCase(with prefix: String) -> [ValueRange] {
    let usable = prefix.utf8.prefix { $0 < 0x80 && ![0x69, 0x6B, 0x73].contains($0 | 0x20) }
    let upper = usable.map { $0 >= 0x61 && $0 <= 0x7A ? $0 - 0x20 : $0 }
    let lower = usable.map { $0 >= 0x41 && $0 <= 0x5A ? $0 + 0x20 : $0 }
    let spelled = min(3, usable.count)
    var starts: [[UInt8]] = [[]]
    for i in 0..<spelled {
      let choices = upper[i] == lower[i] ? [upper[i]] : [upper[i], lower[i]]
      starts = starts.flatMap { start in choices.map { start + [$0] } }
    }
    return starts.map { start in
      ValueRange(
        type: .string, low: .string(String(decoding: start + upper[spelled...], as: UTF8.self)), high: successor(start + lower[spelled...]),
        mayBeNull: false)
    }
  }

  /// A text at or above all texts with that prefix: the prefix followed by characters above every other; nil for the empty prefix.
  private static func successor(_ prefix: [UInt8]) -> Scalar? {
    if prefix.isEmpty { return nil }
    var bytes = prefix
    // The last ASCII byte below 0x7F is raised; what follows is dropped.
    while let last = bytes.last, last >= 0x7F { bytes.removeLast() }
    guard let last = bytes.popLast() else { return nil }
    bytes.append(last + 1)
    return .string(String(decoding: bytes, as: UTF8.self))
  }
}
