// One encoded VARIANT value to the engine's binary form. Nothing in the bytes is trusted: every number, offset and length is checked against
// what is left, children share the bytes of their parent (so that overlapping ones cannot multiply), and depth is bounded.
// Source: parquet-format VariantEncoding.md, "Value encoding" and "Encoding types".
import Columnar

/// The bytes of a value, with the dictionary they refer to.
// SAFETY: `base` points to `count` bytes that outlive this value; every access is checked against `count` before.
@safe struct VariantReader {
  /// An object or array: where its parts lie.
  struct Container {
    var count: Int
    fileprivate var idSize: Int
    fileprivate var ids: Int
    fileprivate var offsetSize: Int
    fileprivate var offsets: Int
    fileprivate var children: Int
    /// The byte behind the last child.
    fileprivate(set) var end: Int
    /// Bytes of children that nobody has read yet.
    fileprivate var budget: Int
  }

  private let base: UnsafePointer<UInt8>
  private let count: Int
  private let dictionary: VariantDictionary
  private let policy: InexactPolicy

  init(_ bytes: UnsafeBufferPointer<UInt8>, _ dictionary: VariantDictionary, _ policy: InexactPolicy) throws(ParquetError) {
    guard let base = bytes.baseAddress, bytes.count > 0 else { throw Self.corrupt("no bytes", 0) }
    unsafe self.base = unsafe base
    count = bytes.count
    self.dictionary = dictionary
    self.policy = policy
  }

  /// Writes the whole value.
  func write(to out: inout DynamicWriter) throws(ParquetError) {
    let end = try write(0, count, 0, &out)
    guard end == count else { throw Self.corrupt("\(count - end) bytes follow the value", end) }
  }

  /// The value as an object whose fields the caller writes; anything else is refused.
  func object() throws(ParquetError) -> Container {
    guard unsafe base[0] & 3 == 2 else {
      throw .corrupt("VARIANT with shredded fields and a value that is no object")
    }
    let object = try container(0, count, isObject: true)
    guard object.end == count else { throw Self.corrupt("\(count - object.end) bytes follow the value", object.end) }
    try checkUniqueKeys(object)
    return object
  }

  /// The key of field `i`.
  func key(_ i: Int, of object: Container) throws(ParquetError) -> UnsafeBufferPointer<UInt8> {
    let at = object.ids + i * object.idSize
    let id = unsafe littleEndian(base + at, object.idSize)
    guard id < dictionary.count else { throw Self.corrupt("key \(id) of a dictionary of \(dictionary.count)", at) }
    return unsafe dictionary.key(id)
  }

  /// Writes the value of child `i`.
  func writeChild(_ i: Int, of parent: inout Container, depth: Int, to out: inout DynamicWriter) throws(ParquetError) {
    let at = parent.offsets + i * parent.offsetSize
    let offset = unsafe littleEndian(base + at, parent.offsetSize)
    let start = parent.children + offset
    guard start < parent.end else { throw Self.corrupt("a child at byte \(start) of values that end at \(parent.end)", at) }
    let end = try write(start, min(parent.end, start + parent.budget), depth + 1, &out)
    parent.budget -= end - start
  }

  // MARK: - Containers

  /// The layout of the object or array at `at`, within `end`.
  private func container(_ at: Int, _ end: Int, isObject: Bool) throws(ParquetError) -> Container {
    let header = unsafe Int(base[at] >> 2)
    let offsetSize = header & 3 + 1
    let idSize = isObject ? header >> 2 & 3 + 1 : 0
    let countSize = header >> (isObject ? 4 : 2) & 1 == 1 ? 4 : 1
    let ids = at + 1 + countSize
    guard ids <= end else { throw Self.corrupt("the value ends within a count", at) }
    let n = unsafe littleEndian(base + at + 1, countSize)
    let offsets = ids + n * idSize
    let children = offsets + (n + 1) * offsetSize
    guard children <= end else { throw Self.corrupt("\(n) children where \(end - ids) bytes are left", at) }
    let size = unsafe littleEndian(base + offsets + n * offsetSize, offsetSize)
    guard size <= end - children else { throw Self.corrupt("children of \(size) bytes where \(end - children) are left", at) }
    return Container(
      count: n, idSize: idSize, ids: ids, offsetSize: offsetSize, offsets: offsets, children: children, end: children + size, budget: size)
  }

  /// Refuses an object with two fields of one name. The format orders fields by name, so that one pass is nearly always enough.
  private func checkUniqueKeys(_ object: Container) throws(ParquetError) {
    guard object.count > 1 else { return }
    var isAscending = true
    for i in 1..<object.count {
      if try unsafe compareBytes(key(i - 1, of: object), key(i, of: object)) >= 0 {
        isAscending = false
        break
      }
    }
    if isAscending { return }
    var seen: Set<[UInt8]> = []
    for i in 0..<object.count {
      let key = try unsafe key(i, of: object)
      guard unsafe seen.insert(Array(key)).inserted else {
        throw Self.corrupt(unsafe "the field '\(excerpt(UnsafeRawBufferPointer(key)))' comes twice in an object", object.ids)
      }
    }
  }

  /// Writes the value at `at`, which may take bytes up to `end`; returns where it ends.
  private func write(_ at: Int, _ end: Int, _ depth: Int, _ out: inout DynamicWriter) throws(ParquetError) -> Int {
    guard at < end else { throw Self.corrupt("a value without bytes", at) }
    let header = unsafe base[at]
    switch header & 3 {
    case 0: return try primitive(header >> 2, at, end, &out)
    case 1: return try string(at + 1, Int(header >> 2), end, &out)
    default:
      let isObject = header & 3 == 2
      guard depth < JSONCursor.maxDepth else { throw Self.corrupt("nested deeper than \(JSONCursor.maxDepth)", at) }
      guard out.count <= maxVectorBytes else { throw .notSupported("more than 2 GiB of dynamic values in one batch of a column") }
      var parent = try container(at, end, isObject: isObject)
      if isObject { try checkUniqueKeys(parent) }
      let n = parent.count
      let table = out.open(isObject ? .bag : .array, n)
      for i in 0..<n {
        if isObject { try unsafe out.put(key: key(i, of: parent)) }
        try writeChild(i, of: &parent, depth: depth, to: &out)
        out.closeChild(i, of: n, table)
      }
      return parent.end
    }
  }

  // MARK: - Scalars

  private func primitive(_ type: UInt8, _ at: Int, _ end: Int, _ out: inout DynamicWriter) throws(ParquetError) -> Int {
    let start = at + 1
    /// The number behind the header.
    func load<T: BitwiseCopyable>(_ offset: Int, as type: T.Type) throws(ParquetError) -> T {
      guard start + offset + MemoryLayout<T>.size <= end else { throw Self.corrupt("the value ends within a number", at) }
      return unsafe UnsafeRawPointer(base + start + offset).loadUnaligned(as: T.self)
    }
    func long<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws(ParquetError) -> Int {
      let value = try load(0, as: type)
      out.put(.long)
      out.put(Int64(value))
      return start + MemoryLayout<T>.size
    }
    func decimal<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws(ParquetError) -> Int {
      let scale = try load(0, as: UInt8.self)
      guard scale <= 38 else { throw Self.corrupt("a decimal of scale \(scale)", at) }
      let coefficient = try load(1, as: type)
      out.put(.decimal)
      out.put(Int16(scale))
      out.put(Int128(coefficient))
      return start + 1 + MemoryLayout<T>.size
    }
    func time<C: FixedConversion>(_ tag: DynamicTag, _ size: Int, _ conversion: C) throws(ParquetError) -> Int where C.Output == Int64 {
      guard start + size <= end else { throw Self.corrupt("the value ends within a number", at) }
      var ticks: Int64 = 0
      try unsafe conversion.convert(UnsafeRawPointer(base + start), 1, &ticks)
      out.put(tag)
      out.put(ticks)
      return start + size
    }
    switch type {
    case 0: out.put(.null)
    case 1: out.put(.true)
    case 2: out.put(.false)
    case 3: return try long(Int8.self)
    case 4: return try long(Int16.self)
    case 5: return try long(Int32.self)
    case 6: return try long(Int64.self)
    case 7:
      let bits = try load(0, as: UInt64.self)
      out.put(.real)
      out.put(bits)
      return start + 8
    case 8: return try decimal(Int32.self)
    case 9: return try decimal(Int64.self)
    case 10: return try decimal(Int128.self)
    case 11: return try time(.datetime, 4, ScaledTicks<Int32>(factor: CivilTime.ticksPerDay, isDatetime: true, policy: policy))
    case 12, 13: return try time(.datetime, 8, ScaledTicks<Int64>(factor: 10, isDatetime: true, policy: policy))
    case 14:
      let bits = try load(0, as: UInt32.self)
      out.put(.real)
      out.put(Double(Float(bitPattern: bits)).bitPattern)
      return start + 4
    case 15, 16:
      let size = Int(try load(0, as: UInt32.self))
      return type == 16 ? try string(start + 4, size, end, &out) : try binary(start + 4, size, end, &out)
    case 17: return try time(.timespan, 8, ScaledTicks<Int64>(factor: 10, isDatetime: false, policy: policy))
    case 18, 19: return try time(.datetime, 8, NanosToTicks(isDatetime: true, policy: policy))
    case 20:
      let guid = BytesToGUID.widen(try load(0, as: GUID.self))
      out.put(.guid)
      out.put(guid.high)
      out.put(guid.low)
      return start + 16
    default: throw .notSupported("VARIANT values of primitive type \(type)")
    }
    return start
  }

  private func bytes(_ start: Int, _ size: Int, _ end: Int) throws(ParquetError) -> UnsafeBufferPointer<UInt8> {
    guard start <= end, size <= end - start else { throw Self.corrupt("\(size) bytes where \(max(0, end - start)) are left", start) }
    return unsafe UnsafeBufferPointer(start: base + start, count: size)
  }

  private func string(_ start: Int, _ size: Int, _ end: Int, _ out: inout DynamicWriter) throws(ParquetError) -> Int {
    let text = try unsafe bytes(start, size, end)
    guard unsafe isASCII(text) || isValidUTF8(text) else {
      throw Self.corrupt(unsafe "text that is not valid UTF-8: '\(excerpt(UnsafeRawBufferPointer(text)))'", start)
    }
    unsafe out.put(string: text)
    return start + size
  }

  private func binary(_ start: Int, _ size: Int, _ end: Int, _ out: inout DynamicWriter) throws(ParquetError) -> Int {
    let raw = try unsafe bytes(start, size, end)
    let text = BufferBuilder<UInt8>()
    unsafe Base64.append(raw, to: text)
    unsafe out.put(string: UnsafeBufferPointer(start: UnsafePointer(text.pointer), count: text.count))
    return start + size
  }

  private static func corrupt(_ message: String, _ at: Int) -> ParquetError { .corrupt("VARIANT value, byte \(at): \(message)") }
}
