// Role: counts, sizes, rates and times as people read them.

enum Measures {
  /// `999`, `12.3 k`, `6.00 M`, `1.2 G`.
  static func count(_ n: Int) -> String {
    switch n.magnitude {
    case ..<10_000: "\(n)"
    case ..<1_000_000: "\(fixed(Double(n) / 1e3, 1)) k"
    case ..<1_000_000_000: "\(fixed(Double(n) / 1e6, 2)) M"
    default: "\(fixed(Double(n) / 1e9, 2)) G"
    }
  }

  /// `512 B`, `1.5 kB`, `163 MB`, `2.1 GB`; powers of 1000.
  static func bytes(_ n: Int) -> String {
    switch n.magnitude {
    case ..<1_000: "\(n) B"
    case ..<1_000_000: "\(fixed(Double(n) / 1e3, 1)) kB"
    case ..<1_000_000_000: "\(fixed(Double(n) / 1e6, 1)) MB"
    default: "\(fixed(Double(n) / 1e9, 2)) GB"
    }
  }

  /// `340 ms`, `2.10 s`, `3 min 12 s`.
  static func time(_ seconds: Double) -> String {
    if seconds < 1 { return "\(Int((seconds * 1_000).rounded())) ms" }
    if seconds < 60 { return "\(fixed(seconds, 2)) s" }
    let whole = Int(seconds.rounded())
    return whole < 3_600 ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3_600) h \(whole % 3_600 / 60) min"
  }

  /// A number with that many digits behind the point.
  static func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite, value.magnitude < 1e15 else { return "\(value)" }
    var factor = 1.0
    for _ in 0..<digits { factor *= 10 }
    let scaled = Int((value.magnitude * factor).rounded())
    let whole = scaled / Int(factor), fraction = scaled % Int(factor)
    let text = String(fraction)
    return (value < 0 && scaled > 0 ? "-" : "") + "\(whole)"
      + (digits == 0 ? "" : "." + String(repeating: "0", count: digits - text.utf8.count) + text)
  }
}
