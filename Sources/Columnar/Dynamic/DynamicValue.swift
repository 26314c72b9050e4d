// Role: one dynamic value as a tree, and its tagged binary form, which is what a dynamic column stores for each row.
//
// Binary form (little-endian, unaligned): a tag byte, then
//   null false true            nothing
//   long, datetime, timespan   8 bytes        real   8 bytes (IEEE bits)
//   guid                       16 bytes       decimal 2 bytes scale + 16 bytes coefficient
//   string                     u32 length, UTF-8
//   array                      u32 count, count × u32 ends, elements          ends count from the first element's byte
//   bag                        u32 count, count × u32 ends, entries           an entry is u32 key length, key, value; insertion order

/// A JSON-like value with Kusto's extra scalar types. Bags keep insertion order; a later duplicate key wins in `DynamicValue.bag(unique:)`.
public indirect enum DynamicValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case long(Int64)
  case real(Double)
  case decimal(DecimalValue)
  case string(String)
  /// Ticks of 100 ns since 1970-01-01.
  case datetime(Int64)
  /// Ticks of 100 ns.
  case timespan(Int64)
  case guid(GUID)
  case array([DynamicValue])
  case bag([DynamicEntry])

  /// Texts are equal when their bytes are.
  public static func == (a: DynamicValue, b: DynamicValue) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.bool(let x), .bool(let y)): x == y
    case (.long(let x), .long(let y)), (.datetime(let x), .datetime(let y)), (.timespan(let x), .timespan(let y)): x == y
    case (.real(let x), .real(let y)): x == y
    case (.decimal(let x), .decimal(let y)): x == y
    case (.string(let x), .string(let y)): x.hasBytes(of: y)
    case (.guid(let x), .guid(let y)): x == y
    case (.array(let x), .array(let y)): x == y
    case (.bag(let x), .bag(let y)): x == y
    default: false
    }
  }
}

/// A key and its value in a bag.
public struct DynamicEntry: Sendable, Hashable {
  public var key: String
  public var value: DynamicValue

  public init(_ key: String, _ value: DynamicValue) {
    self.key = key
    self.value = value
  }

  /// Keys are equal when their bytes are.
  public static func == (a: DynamicEntry, b: DynamicEntry) -> Bool { a.isNamed(b.key) && a.value == b.value }

  /// True for that key, byte by byte.
  package func isNamed(_ key: String) -> Bool { self.key.hasBytes(of: key) }
}

/// The tag byte of the binary form.
package enum DynamicTag: UInt8, Sendable {
  case null = 0, `false`, `true`, long, real, string, array, bag, datetime, timespan, guid, decimal
}

extension DynamicValue {
  /// The value under a key of a bag; nil for other values and absent keys.
  public subscript(_ key: String) -> DynamicValue? {
    guard case .bag(let entries) = self else { return nil }
    return entries.first { $0.isNamed(key) }?.value
  }

  /// The binary form.
  package var binary: [UInt8] {
    var out: [UInt8] = []
    encode(into: &out)
    return out
  }

  // SAFETY: the bytes of the value live for the call and are copied; an end has four of them.
  private func encode(into out: inout [UInt8]) {
    func put<T>(_ value: T) { unsafe withUnsafeBytes(of: value) { unsafe out.append(contentsOf: $0) } }
    func tag(_ t: DynamicTag) { out.append(t.rawValue) }
    func children(_ n: Int, _ body: (Int) -> Void) {
      put(UInt32(n))
      let table = out.count
      for _ in 0..<n { put(UInt32(0)) }
      let start = out.count
      for i in 0..<n {
        body(i)
        let end = UInt32(out.count - start)
        unsafe withUnsafeBytes(of: end) { for k in 0..<4 { out[table + 4 * i + k] = unsafe $0[k] } }
      }
    }
    switch self {
    case .null: tag(.null)
    case .bool(let v): tag(v ? .true : .false)
    case .long(let v): tag(.long); put(v)
    case .real(let v): tag(.real); put(v.bitPattern)
    case .decimal(let v): tag(.decimal); put(v.scale); put(v.coefficient)
    case .string(let v): tag(.string); put(UInt32(v.utf8.count)); out.append(contentsOf: v.utf8)
    case .datetime(let v): tag(.datetime); put(v)
    case .timespan(let v): tag(.timespan); put(v)
    case .guid(let v): tag(.guid); put(v.high); put(v.low)
    case .array(let items):
      tag(.array)
      children(items.count) { items[$0].encode(into: &out) }
    case .bag(let entries):
      tag(.bag)
      children(entries.count) { i in
        put(UInt32(entries[i].key.utf8.count))
        out.append(contentsOf: entries[i].key.utf8)
        entries[i].value.encode(into: &out)
      }
    }
  }

  /// Reads a binary form made by this module; an empty buffer is null. Malformed bytes give null, never a crash.
  // SAFETY: the tree holds copies; the view, which checks every length against the bytes' count, is gone with the call.
  package init(binary bytes: UnsafeBufferPointer<UInt8>) {
    guard let base = bytes.baseAddress, bytes.count > 0 else { self = .null; return }
    self = unsafe DynamicView(base, bytes.count).value
  }
}
