// Role: punycode of texts and of domain names. Source: RFC 3492; Kusto "punycode_from_string()".

import Columnar

private let base = 36, tMin = 1, tMax = 26, skew = 38, damp = 700, initialBias = 72, initialN = 128

private func adapt(_ delta: Int, _ count: Int, isFirst: Bool) -> Int {
  var delta = isFirst ? delta / damp : delta / 2
  delta += delta / count
  var k = 0
  while delta > (base - tMin) * tMax / 2 {
    delta /= base - tMin
    k += base
  }
  return k + (base - tMin + 1) * delta / (delta + skew)
}

/// Nil when the text is too long for the algorithm's numbers.
func punycodeEncoded(_ text: String) -> String? {
  let input = text.unicodeScalars.map { Int($0.value) }
  guard input.count < 10_000 else { return nil }
  var out = input.filter { $0 < 128 }.map { UInt8($0) }
  let plain = out.count
  if plain > 0 { out.append(UInt8(ascii: "-")) }
  var n = initialN, delta = 0, bias = initialBias, handled = plain
  while handled < input.count {
    guard let next = input.filter({ $0 >= n }).min() else { return nil }
    delta += (next - n) * (handled + 1)
    n = next
    for c in input {
      if c < n { delta += 1 }
      guard c == n else { continue }
      var q = delta
      var k = base
      while true {
        let t = k <= bias ? tMin : k >= bias + tMax ? tMax : k - bias
        if q < t { break }
        let digit = t + (q - t) % (base - t)
        out.append(UInt8(digit < 26 ? 97 + digit : 22 + digit))
        q = (q - t) / (base - t)
        k += base
      }
      out.append(UInt8(q < 26 ? 97 + q : 22 + q))
      bias = adapt(delta, handled + 1, isFirst: handled == plain)
      delta = 0
      handled += 1
    }
    delta += 1
    n += 1
  }
  return String(decoding: out, as: UTF8.self)
}

/// Nil when the text is no punycode.
func punycodeDecoded(_ text: String) -> String? {
  let bytes = Array(text.utf8)
  guard bytes.count < 10_000, bytes.allSatisfy({ $0 < 128 }) else { return nil }
  let dash = bytes.lastIndex(of: UInt8(ascii: "-"))
  var out = bytes[..<(dash ?? 0)].map { Int($0) }
  var at = dash.map { $0 + 1 } ?? 0
  var n = initialN, i = 0, bias = initialBias
  while at < bytes.count {
    let old = i
    var weight = 1, k = base
    while true {
      guard at < bytes.count else { return nil }
      let c = Int(bytes[at])
      at += 1
      let digit: Int
      switch c {
      case 48...57: digit = c - 22
      case 65...90: digit = c - 65
      case 97...122: digit = c - 97
      default: return nil
      }
      i += digit * weight
      guard i < 1 << 40 else { return nil }
      let t = k <= bias ? tMin : k >= bias + tMax ? tMax : k - bias
      if digit < t { break }
      weight *= base - t
      guard weight < 1 << 40 else { return nil }
      k += base
    }
    bias = adapt(i - old, out.count + 1, isFirst: old == 0)
    n += i / (out.count + 1)
    i %= out.count + 1
    guard Unicode.Scalar(UInt32(clamping: n)) != nil else { return nil }
    out.insert(n, at: i)
    i += 1
  }
  var view = String.UnicodeScalarView()
  for value in out { if let scalar = Unicode.Scalar(UInt32(clamping: value)) { view.append(scalar) } }
  return String(view)
}

private func spec(_ name: String, _ summary: String, _ example: String, _ f: @escaping @Sendable (String) -> String?) -> FunctionSpec {
  FunctionSpec(name, .text, 1...1, parameters: "text", summary, example: example,
    bind: BoundFunction.unary(.string, .string, rows(StringRows.self) { text -> String in f(text) ?? "" }))
}

private func domain(_ text: String, _ f: (String) -> String?) -> String? {
  var labels: [String] = []
  // Full stops of other scripts part labels too. Source: RFC 3490, 3.1.
  for label in text.split(omittingEmptySubsequences: false, whereSeparator: { [".", "。", "．", "｡"].contains($0) }) {
    guard let done = f(String(label)) else { return nil }
    labels.append(done)
  }
  return labels.joined(separator: ".")
}

let punycodeFunctions: [FunctionSpec] = [
  spec("punycode_from_string", "The text in punycode.", "punycode_from_string('académie')") { punycodeEncoded($0) },
  spec("punycode_to_string", "The text behind punycode.", "punycode_to_string('acadmie-dya')") { punycodeDecoded($0) },
  spec("punycode_domain_from_string", "A domain name with its punycode labels decoded.", "punycode_domain_from_string('xn--cqv902d.com')") { text in
    domain(text) { label in label.hasPrefix("xn--") ? punycodeDecoded(String(label.dropFirst(4))) : label }
  },
  spec("punycode_domain_to_string", "A domain name with its labels in punycode.", "punycode_domain_to_string('艺术.com')") { text in
    domain(text) { label in label.utf8.allSatisfy { $0 < 128 } ? label : punycodeEncoded(label).map { "xn--" + $0 } }
  },
]
