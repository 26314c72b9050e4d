// Role: functions on IPv4 and IPv6 texts. Source: Kusto language reference, "IPv4/IPv6 functions", "IPv4 text match functions".

import Columnar

private func spec(_ name: String, _ arity: ClosedRange<Int>, _ parameters: String, _ summary: String, _ example: String,
  bind: @escaping @Sendable (FunctionCall) throws -> BoundFunction) -> FunctionSpec
{
  FunctionSpec(name, .network, arity, parameters: parameters, summary, example: example, bind: bind)
}

/// ip1, ip2 [, prefix]: both with only the bits of the shortest prefix; nil when one is no address.
// SAFETY: rows are windows on the arguments' memory, which live for the call.
private func compared<R: RowResult>(_ f: @escaping @Sendable (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>, Int64?) -> R, _ type: DataType)
  -> @Sendable (FunctionCall) throws -> BoundFunction
{
  { call in
    if call.count == 2 { return unsafe BoundFunction(type, [.string, .string], kernel: rows(TextRows.self, TextRows.self) { unsafe f($0, $1, nil) }) }
    return unsafe BoundFunction(type, [.string, .string, .long], kernel: rows(TextRows.self, TextRows.self, LongRows.self) { unsafe f($0, $1, $2) })
  }
}

// SAFETY: both texts live for the call.
private func compare4(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>, _ prefix: Int64?) -> Int64? {
  guard let x = unsafe IPv4Network(a), let y = unsafe IPv4Network(b), prefix.map({ (0...32).contains($0) }) ?? true else { return nil }
  let mask = IPv4Network.mask(min(x.prefix, y.prefix, Int(prefix ?? 32)))
  let (p, q) = (x.address & mask, y.address & mask)
  return p < q ? -1 : p > q ? 1 : 0
}

// SAFETY: both texts live for the call.
private func compare6(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>, _ prefix: Int64?) -> Int64? {
  guard let x = unsafe IPv6Network(a), let y = unsafe IPv6Network(b), prefix.map({ (0...128).contains($0) }) ?? true else { return nil }
  let mask = IPv6Network.mask(min(x.prefix, y.prefix, Int(prefix ?? 128)))
  let (p, q) = (x.address & mask, y.address & mask)
  return p < q ? -1 : p > q ? 1 : 0
}

private func isPrivate(_ address: UInt32) -> Bool {
  address >> 24 == 10 || address >> 20 == 0xAC1 || address >> 16 == 0xC0A8
}

/// A function of an address and ranges given as texts or one array: true when any range has it.
// SAFETY: rows are windows on the arguments' memory, which live for the call; elements of lists are windows on their rows.
private func inAnyRange(_ name: String, _ test: @escaping @Sendable (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Bool?) -> FunctionSpec {
  spec(name, 2...FunctionSpec.unbounded, "ip, range, …", "True when the address lies in any of the ranges.", "\(name)('127.0.0.1', '127.0.0.1/8')") { call in
    let parameters = call.types.enumerated().map { $0.offset > 0 && $0.element == .dynamic ? DataType.dynamic : .string }
    return BoundFunction(.bool, parameters, nulls: .custom) { arguments, n in
      let ip = TextRows(arguments[0])
      let texts = arguments.dropFirst().filter { $0.type == .string }.map { TextRows($0) }
      let lists = arguments.dropFirst().filter { $0.type == .dynamic }.map { DynamicRows($0) }
      return try Optional<Bool>.collect(n) { i -> Bool? in
        var known = false
        for text in texts {
          guard let hit = unsafe test(ip[i], text[i]) else { continue }
          if hit { return true }
          known = true
        }
        for list in lists {
          for k in 0..<list[i].childCount {
            guard let range = list[i].element(k), range.tag == .string, let hit = unsafe test(ip[i], range.stringBytes) else { continue }
            if hit { return true }
            known = true
          }
        }
        return known ? false : nil
      }
    }
  }
}

/// Whether an address or a prefix ending in a dot stands in a text between characters that are neither letters nor digits.
// SAFETY: places `find` gives lie in the text, as does all of the occurrence behind them; hit - 1 and hit - 2 are read where hit is above 0 and 1,
// `end` stays between hit and text.count. Nothing is kept.
private func hasAddress(_ text: UnsafeBufferPointer<UInt8>, _ wanted: UnsafeBufferPointer<UInt8>, isPrefix: Bool) -> Bool {
  let isWhole = unsafe wanted.withMemoryRebound(to: UInt8.self) { unsafe IPv4Network($0) != nil && !$0.contains(UInt8(ascii: "/")) }
  if !isWhole {
    guard isPrefix, unsafe wanted.last == UInt8(ascii: ".") else { return false }
    let parts = unsafe wanted.dropLast().split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard unsafe (1...3).contains(parts.count), unsafe parts.allSatisfy({ part in unsafe part.count > 0 && part.count <= 3 && part.allSatisfy { $0 &- 0x30 < 10 } }) else { return false }
  }
  var at = 0
  while let hit = unsafe find(wanted, in: text, from: at) {
    at = hit + 1
    if hit > 0, unsafe isTermScalar(text, before: hit) || text[hit - 1] == UInt8(ascii: ".") && hit > 1 && text[hit - 2] &- 0x30 < 10 { continue }
    var end = hit
    while end < text.count, unsafe text[end] &- 0x30 < 10 || text[end] == UInt8(ascii: ".") { end += 1 }
    while end > hit, unsafe text[end - 1] == UInt8(ascii: ".") { end -= 1 }
    if end < text.count, unsafe isTermScalar(text, at: end) { continue }
    let found = unsafe UnsafeBufferPointer(rebasing: text[hit..<end])
    guard unsafe IPv4Network(found) != nil else { continue }
    if isPrefix && !isWhole || found.count == wanted.count { return true }
  }
  return false
}

// SAFETY: rows are windows on the arguments' memory, which live for the call; elements of lists are windows on their rows.
private func hasAny(_ name: String, isPrefix: Bool, isOne: Bool) -> FunctionSpec {
  spec(name, 2...(isOne ? 2 : FunctionSpec.unbounded), "text, ip\(isOne ? "" : ", …")", "True when an address\(isPrefix ? " with the prefix" : "") stands in the text.",
    "\(name)('from 127.0.0.1', '127.0.0.1')") { call in
    let parameters = call.types.enumerated().map { $0.offset > 0 && $0.element == .dynamic ? DataType.dynamic : .string }
    return BoundFunction(.bool, parameters, nulls: .custom) { arguments, n in
      let text = TextRows(arguments[0])
      let texts = arguments.dropFirst().filter { $0.type == .string }.map { TextRows($0) }
      let lists = arguments.dropFirst().filter { $0.type == .dynamic }.map { DynamicRows($0) }
      return .bool(bits(n) { i in
        if texts.contains(where: { unsafe hasAddress(text[i], $0[i], isPrefix: isPrefix) }) { return true }
        return lists.contains { list in
          (0..<list[i].childCount).contains { k in list[i].element(k).map { unsafe hasAddress(text[i], $0.stringBytes, isPrefix: isPrefix) } ?? false }
        }
      })
    }
  }
}

// SAFETY: the text's bytes live for the call.
private func formatted(_ name: String, withMask: Bool) -> FunctionSpec {
  spec(name, 1...2, "ip [, prefix]", "The address with only the bits of the prefix\(withMask ? ", in CIDR notation" : "").", "\(name)('192.168.1.1', 24)") { call in
    BoundFunction(.string, [call.types[0] == .string ? .string : .long] + (call.count == 2 ? [.long] : []), nulls: .custom, kernel: scalarRows { values -> String in
      var network: IPv4Network?
      switch values[0] {
      case .string(var text): network = text.withUTF8 { unsafe IPv4Network($0) }
      case .long(let v):
        var zero = "0.0.0.0"
        network = zero.withUTF8 { unsafe IPv4Network($0) }
        guard let address = UInt32(exactly: v) else { return "" }
        network?.address = address
      default: return ""
      }
      let prefix = values.count == 2 ? values[1].int64Value ?? -1 : 32
      guard let network, (0...32).contains(prefix) else { return "" }
      let bits = min(network.prefix, Int(prefix))
      let text = IPv4Network.text(network.address & IPv4Network.mask(bits))
      return withMask ? "\(text)/\(bits)" : text
    })
  }
}

// SAFETY: each row is a window on an argument's memory, which lives for the call of the kernel; results are values.
let ipv4Functions: [FunctionSpec] = unsafe [
  spec("parse_ipv4", 1...1, "ip", "The address as a number, with only the bits of its prefix.", "parse_ipv4('192.168.1.1')",
    bind: BoundFunction.unary(.long, .string, rows(TextRows.self) { text -> Int64? in unsafe IPv4Network(text).map { Int64($0.network) } })),
  unsafe spec("parse_ipv4_mask", 2...2, "ip, prefix", "The address as a number, with only the bits of a prefix.", "parse_ipv4_mask('127.0.0.1', 24)",
    bind: BoundFunction.fixed(.long, [.string, .long], rows(TextRows.self, LongRows.self) { text, prefix -> Int64? in
      guard let network = unsafe IPv4Network(text), (0...32).contains(prefix) else { return nil }
      return Int64(network.address & IPv4Network.mask(min(network.prefix, Int(prefix))))
    })),
  formatted("format_ipv4", withMask: false), formatted("format_ipv4_mask", withMask: true),
  unsafe spec("ipv4_compare", 2...3, "ip1, ip2 [, prefix]", "-1, 0 or 1 for two addresses under the shortest prefix.", "ipv4_compare('192.168.1.1', '192.168.1.2')", bind: compared(compare4, .long)),
  unsafe spec("ipv4_is_match", 2...3, "ip1, ip2 [, prefix]", "True when two addresses are equal under the shortest prefix.", "ipv4_is_match('192.168.1.1/24', '192.168.1.255')",
    bind: compared({ a, b, p -> Bool? in unsafe compare4(a, b, p).map { $0 == 0 } }, .bool)),
  unsafe spec("ipv4_is_in_range", 2...2, "ip, range", "True when the address lies in the range.", "ipv4_is_in_range('192.168.1.1', '192.168.1.255/24')",
    bind: compared({ a, b, _ -> Bool? in unsafe compare4(a, b, nil).map { $0 == 0 } }, .bool)),
  unsafe inAnyRange("ipv4_is_in_any_range") { a, b in unsafe compare4(a, b, nil).map { $0 == 0 } },
  unsafe spec("ipv4_netmask_suffix", 1...1, "ip", "The prefix length, 32 without one.", "ipv4_netmask_suffix('10.1.2.3/24')",
    bind: BoundFunction.unary(.long, .string, rows(TextRows.self) { text -> Int64? in unsafe IPv4Network(text).map { Int64($0.prefix) } })),
  unsafe spec("ipv4_is_private", 1...1, "ip", "True for addresses of private networks.", "ipv4_is_private('10.0.0.1')",
    bind: BoundFunction.unary(.bool, .string, rows(TextRows.self) { text -> Bool? in unsafe IPv4Network(text).map { isPrivate($0.network) } })),
  unsafe spec("ipv4_range_to_cidr_list", 2...2, "first, last", "The CIDR ranges that cover the addresses from first to last.", "ipv4_range_to_cidr_list('1.1.128.0', '1.1.140.255')",
    bind: BoundFunction.fixed(.dynamic, [.string, .string], rows(TextRows.self, TextRows.self) { a, b -> DynamicValue in
      guard let x = unsafe IPv4Network(a), let y = unsafe IPv4Network(b), x.address <= y.address else { return .null }
      var out: [DynamicValue] = []
      var at = UInt64(x.address)
      while at <= UInt64(y.address) {
        var size = min(at == 0 ? 32 : at.trailingZeroBitCount, 32)
        while at + (1 << UInt64(size)) - 1 > UInt64(y.address) { size -= 1 }
        out.append(.string("\(IPv4Network.text(UInt32(truncatingIfNeeded: at)))/\(32 - size)"))
        at += 1 << UInt64(size)
      }
      return .array(out)
    })),
  hasAny("has_ipv4", isPrefix: false, isOne: true), hasAny("has_any_ipv4", isPrefix: false, isOne: false),
  hasAny("has_ipv4_prefix", isPrefix: true, isOne: true), hasAny("has_any_ipv4_prefix", isPrefix: true, isOne: false),
]

// SAFETY: as above.
let ipv6Functions: [FunctionSpec] = unsafe [
  spec("parse_ipv6", 1...1, "ip", "The address in full IPv6 form, with only the bits of its prefix.", "parse_ipv6('127.0.0.1')",
    bind: BoundFunction.unary(.string, .string, rows(TextRows.self) { text -> String in unsafe IPv6Network(text).map { IPv6Network.text($0.network) } ?? "" })),
  unsafe spec("parse_ipv6_mask", 2...2, "ip, prefix", "The address in full IPv6 form, with only the bits of a prefix.", "parse_ipv6_mask('127.0.0.1', 120)",
    bind: BoundFunction.fixed(.string, [.string, .long], rows(TextRows.self, LongRows.self) { text, prefix -> String in
      guard let network = unsafe IPv6Network(text), (0...128).contains(prefix) else { return "" }
      return IPv6Network.text(network.address & IPv6Network.mask(min(network.prefix, Int(prefix))))
    })),
  unsafe spec("ipv6_compare", 2...3, "ip1, ip2 [, prefix]", "-1, 0 or 1 for two addresses under the shortest prefix.", "ipv6_compare('::1', '::2')", bind: compared(compare6, .long)),
  unsafe spec("ipv6_is_match", 2...3, "ip1, ip2 [, prefix]", "True when two addresses are equal under the shortest prefix.", "ipv6_is_match('::1', '::2', 64)",
    bind: compared({ a, b, p -> Bool? in unsafe compare6(a, b, p).map { $0 == 0 } }, .bool)),
  unsafe spec("ipv6_is_in_range", 2...2, "ip, range", "True when the address lies in the range.", "ipv6_is_in_range('fe80::1', 'fe80::/64')",
    bind: compared({ a, b, _ -> Bool? in unsafe compare6(a, b, nil).map { $0 == 0 } }, .bool)),
  unsafe inAnyRange("ipv6_is_in_any_range") { a, b in unsafe compare6(a, b, nil).map { $0 == 0 } },
]
