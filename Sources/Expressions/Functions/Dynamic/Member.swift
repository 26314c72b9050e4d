// Role: member access `bag.key`, `array[i]` and the predicates on bags and arrays that need no tree: they walk the binary form.

import Columnar

func dynamicSpec(
  _ name: String, aliases: [String] = [], _ arity: ClosedRange<Int>, _ parameters: String, _ summary: String, _ example: String,
  bind: @escaping @Sendable (FunctionCall) throws -> BoundFunction
) -> FunctionSpec {
  FunctionSpec(name, aliases: aliases, .dynamic, arity, parameters: parameters, summary, example: example, bind: bind)
}

let memberFunctions: [FunctionSpec] = [
  dynamicSpec(FunctionName.member, 2...2, "value, key or index", "A member of a bag or an element of an array; a negative index counts from the end.", "dynamic({'a':1}).a") { call in
    guard call.types[0] == .dynamic || call.types[0] == .string else { throw call.wrongTypes("a dynamic value and a key or index") }
    switch call.types[1] {
    // SAFETY: the key is a window on the argument's memory, which lives for the call; what is found is a window on the value.
    case .string: return unsafe BoundFunction(.dynamic, [.dynamic, .string], nulls: .custom, kernel: members(TextRows.self) { value, key in unsafe value.value(forKey: key) })
    case .int, .long, .bool: return BoundFunction(.dynamic, [.dynamic, .long], nulls: .custom, kernel: members(LongRows.self) { value, i in element(value, i) })
    case .dynamic:
      // SAFETY: as above.
      return BoundFunction(.dynamic, [.dynamic, .dynamic], nulls: .custom, kernel: members(DynamicRows.self) { value, key in
        unsafe key.tag == .string ? value.value(forKey: key.stringBytes) : key.asLong.flatMap { element(value, $0) }
      })
    default: throw call.wrongTypes("a dynamic value and a key or index")
    }
  },
  dynamicSpec("array_length", aliases: ["arraylength"], 1...1, "array", "Number of elements; null for what is no array.", "array_length(dynamic([1,2]))",
    bind: BoundFunction.unary(.long, .dynamic, rows(DynamicRows.self) { $0.tag == .array ? Int64($0.childCount) : nil })),
  // SAFETY: the key is a window on the argument's memory, which lives for the call.
  dynamicSpec("bag_has_key", 2...2, "bag, key", "True when the bag has the key or path.", "bag_has_key(dynamic({'a':1}), 'a')") { call in
    unsafe BoundFunction(.bool, [.dynamic, .string], kernel: rows(DynamicRows.self, TextRows.self) { bag, key -> Bool? in
      guard bag.tag == .bag else { return nil }
      if unsafe bag.value(forKey: key) != nil { return true }
      guard let path = unsafe JSONPath(key), !path.entersArrays else { return false }
      return path.resolve(bag) != nil
    })
  },
  dynamicSpec("set_has_element", 2...2, "array, value", "True when the array has the value.", "set_has_element(dynamic([1,2]), 2)",
    bind: BoundFunction.fixed(.bool, [.dynamic, .dynamic], rows(DynamicRows.self, DynamicRows.self) { array, value -> Bool? in
      guard array.tag == .array else { return nil }
      for i in 0..<array.childCount { if let element = array.element(i), element.isEqual(value) { return true } }
      return false
    })),
  dynamicSpec("dynamic_to_json", 1...1, "value", "JSON text of a dynamic value, keys in order.", "dynamic_to_json(dynamic({'b':1,'a':2}))",
    bind: BoundFunction.unary(.string, .dynamic, rows(DynamicRows.self) { value -> String in value.value.sortedByKey.json })),
]

private func element(_ value: DynamicView, _ index: Int64) -> DynamicView? {
  let n = value.childCount
  guard let i = Int(exactly: index < 0 ? Int64(n) &+ index : index) else { return nil }
  return value.element(i)
}

/// Copies what `find` gives for each row; nothing and null are null.
@inline(__always)
// SAFETY: what `find` gives is a window on the row's memory, which the arguments keep alive; it is copied.
private func members<Key: RowReader>(_: Key.Type, _ find: @escaping @Sendable (DynamicView, Key.Value) -> DynamicView?) -> Kernel {
  { arguments, n in
    let values = DynamicRows(arguments[0]), keys = Key(arguments[1])
    let keysThere = arguments[1].type == .string ? nil : arguments[1].validity
    let out = StringBuilder(rows: n)
    let validity = BitmapBuilder(capacity: n)
    for i in 0..<n {
      if keysThere.map({ $0[i] }) ?? true, let found = find(values[i], keys[i]), found.tag != .null {
        unsafe out.data.append(contentsOf: UnsafeBufferPointer(start: found.base, count: found.count))
        validity.append(true)
      } else {
        validity.append(false)
      }
      out.endRow()
    }
    return out.finish(.dynamic, validity: validity.finishValidity())
  }
}

extension DynamicValue {
  /// Bags with their keys in order, at every level.
  var sortedByKey: DynamicValue {
    switch self {
    case .array(let items): .array(items.map(\.sortedByKey))
    case .bag(let entries):
      .bag(entries.map { DynamicEntry($0.key, $0.value.sortedByKey) }.sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) })
    default: self
    }
  }
}
