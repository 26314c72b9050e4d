// Role: the to-functions, parse_json and gettype, and the conversions that binding inserts on its own.

import Columnar

/// A conversion kernel to a type.
private func castKernel(_ type: DataType) -> Kernel { { arguments, _ in arguments[0].cast(to: type) } }

/// The conversion binding may insert where a function takes `to`: among numbers and bool, out of a dynamic, to text, into a dynamic.
func implicitConversion(from: DataType, to: DataType) -> BoundFunction? {
  let isNumber = { (t: DataType) in t.isNumeric || t == .bool }
  guard from == .dynamic || to == .dynamic || to == .string || isNumber(from) && isNumber(to) else { return nil }
  return BoundFunction(to, [from], nulls: .custom, kernel: castKernel(to))
}

private func conversion(_ name: String, aliases: [String] = [], _ type: DataType, _ example: String) -> FunctionSpec {
  FunctionSpec(
    name, aliases: aliases, .conversion, 1...1, parameters: "value", "Converts to \(type); null where the value cannot be converted.",
    example: example
  ) { call in BoundFunction(type, [call.types[0]], nulls: .custom, kernel: castKernel(type)) }
}

let conversionFunctions: [FunctionSpec] = [
  conversion("tobool", aliases: ["toboolean"], .bool, "tobool('true')"),
  conversion("toint", .int, "toint('12')"),
  conversion("tolong", .long, "tolong('12')"),
  conversion("toreal", aliases: ["todouble"], .real, "toreal('1.5')"),
  conversion("todecimal", .decimal, "todecimal('1.50')"),
  conversion("tostring", .string, "tostring(12)"),
  conversion("todatetime", .datetime, "todatetime('2020-01-31')"),
  conversion("totimespan", aliases: ["totime"], .timespan, "totimespan('01:30:00')"),
  // SAFETY: the row lives for the call.
  FunctionSpec(
    "toguid", .conversion, 1...1, parameters: "value", "Converts to guid: the first 32 hexadecimal digits of a text, hyphens in their places left out; null where there are fewer.",
    example: "toguid('70fc66f7-8279-44fc-9092-d364d70fce44')"
  ) { call in
    guard call.types[0] == .string else { return BoundFunction(.guid, [call.types[0]], nulls: .custom, kernel: castKernel(.guid)) }
    return unsafe BoundFunction(.guid, [.string], nulls: .custom, kernel: rows(TextRows.self) { unsafe leadingGUID($0) })
  },
  FunctionSpec(
    "parse_json", aliases: ["parsejson", "todynamic", "toobject"], .conversion, 1...1, parameters: "text",
    "Reads JSON text as a dynamic value; text that is not JSON stays a string.", example: "parse_json('{\"a\":[1,2]}').a[1]"
  ) { call in
    if call.types[0] == .dynamic { return BoundFunction(.dynamic, [.dynamic], kernel: parseDynamicStrings) }
    return BoundFunction(.dynamic, [.string], nulls: .custom, kernel: parseJSON)
  },
  FunctionSpec(
    "gettype", .conversion, 1...1, parameters: "value", "The name of the value's type; for dynamic values the kind inside.",
    example: "gettype(1.5)"
  ) { call in
    guard call.types[0] == .dynamic else {
      let name = call.types[0].rawValue
      return BoundFunction(.string, [call.types[0]], nulls: .custom) { _, n in .constant(.string(name), count: n) }
    }
    return BoundFunction(.string, [.dynamic], nulls: .custom, kernel: textRows(DynamicRows.self) { value, out in
      out.append(text: dynamicTypeName(value.tag))
    })
  },
]

/// The GUID that a text begins with; what stands behind its 32 digits does not matter. A text in braces is one as a whole.
// SAFETY: indices of the text; it lives for the call.
private func leadingGUID(_ text: UnsafeBufferPointer<UInt8>) -> GUID? {
  var high: UInt64 = 0, low: UInt64 = 0
  var digits = 0
  for i in text.indices {
    let byte = unsafe text[i]
    let nibble: UInt8
    switch byte {
    case 0x30...0x39: nibble = byte &- 0x30
    case 0x41...0x46, 0x61...0x66: nibble = (byte | 0x20) &- 0x61 &+ 10
    case UInt8(ascii: "-") where [8, 12, 16, 20].contains(digits): continue
    case UInt8(ascii: "{"), UInt8(ascii: "("), 0x20: return digits == 0 ? unsafe GUID(String(decoding: text, as: UTF8.self).trimmed) : nil
    default: return nil
    }
    if digits < 16 { high = high << 4 | UInt64(nibble) } else { low = low << 4 | UInt64(nibble) }
    digits += 1
    if digits == 32 { return GUID(high: high, low: low) }
  }
  return nil
}

extension String {
  fileprivate var trimmed: String { String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
}

/// Names as Kusto's gettype gives them.
func dynamicTypeName(_ tag: DynamicTag) -> String {
  switch tag {
  case .null: "null"
  case .true, .false: "bool"
  case .long: "long"
  case .real: "double"
  case .string: "string"
  case .array: "array"
  case .bag: "dictionary"
  case .datetime: "datetime"
  case .timespan: "timespan"
  case .guid: "guid"
  case .decimal: "decimal"
  }
}

/// JSON text to dynamic; what is not JSON becomes a dynamic string; empty text is null.
// SAFETY: rows below n are windows on the argument's memory, which lives for the call and is not the builder appended to; the byte at `start` is
// read where the builder has one more.
private func parseJSON(_ arguments: [ColumnVector], _ n: Int) throws -> ColumnVector {
  let text = TextRows(arguments[0])
  let out = StringBuilder(rows: n)
  let validity = BitmapBuilder(capacity: n)
  let parser = DynamicParser(.json)
  for i in 0..<n {
    let bytes = unsafe text[i]
    let start = out.data.count
    if bytes.count > 0 { unsafe appendJSON(bytes, parser, out.data) }
    let isNull = unsafe out.data.count == start || out.data.count == start + 1 && out.data.pointer[start] == DynamicTag.null.rawValue
    if isNull { out.data.count = start }
    validity.append(!isNull)
    out.endRow()
  }
  return out.finish(.dynamic, validity: validity.finishValidity())
}

/// Appends the parsed text, or the text itself as a dynamic string.
// SAFETY: the text lives for the call and is not in the builder; a length's bytes live for the loop that copies them.
func appendJSON(_ bytes: UnsafeBufferPointer<UInt8>, _ parser: DynamicParser, _ out: BufferBuilder<UInt8>) {
  do throws(JSONTextError) {
    try unsafe parser.parse(bytes, into: out)
  } catch {
    out.append(DynamicTag.string.rawValue)
    unsafe withUnsafeBytes(of: UInt32(truncatingIfNeeded: bytes.count)) { for unsafe b in unsafe $0 { out.append(b) } }
    unsafe out.append(contentsOf: bytes)
  }
}

/// A dynamic string is parsed as JSON; other dynamics stay.
// SAFETY: as in `parseJSON`; a view has as many bytes as it says.
private func parseDynamicStrings(_ arguments: [ColumnVector], _ n: Int) throws -> ColumnVector {
  let values = DynamicRows(arguments[0])
  let out = StringBuilder(rows: n)
  let parser = DynamicParser(.json)
  for i in 0..<n {
    let value = values[i]
    if value.tag == .string {
      unsafe appendJSON(value.stringBytes, parser, out.data)
    } else {
      unsafe out.data.append(contentsOf: UnsafeBufferPointer(start: value.base, count: value.count))
    }
    out.endRow()
  }
  return out.finish(.dynamic)
}

extension BufferBuilder<UInt8> {
  /// Appends a text's UTF-8.
  // SAFETY: the text's bytes live for the call.
  func append(text: String) {
    var text = text
    text.withUTF8 { unsafe append(contentsOf: $0) }
  }
}
