// Role: making and changing property bags. Source: Kusto language reference, "Dynamic/array functions".

import Columnar

let bagFunctions: [FunctionSpec] = [
  dynamicSpec("bag_pack", aliases: ["pack", "pack_dictionary"], 0...FunctionSpec.unbounded, "key, value, …", "A bag of keys and values.", "bag_pack('a', 1)") { call in
    guard call.count % 2 == 0 else { throw ExpressionError.argumentCount(function: call.name, found: call.count, expected: "an even number of") }
    let parameters = (0..<call.count).map { $0 % 2 == 0 ? DataType.string : call.types[$0] }
    return BoundFunction(.dynamic, parameters, nulls: .custom, kernel: packKernel)
  },
  dynamicSpec("bag_merge", 1...64, "bag, bag, …", "All members of the bags; the leftmost wins.", "bag_merge(dynamic({'a':1}), dynamic({'b':2}))") { call in
    BoundFunction(.dynamic, Array(repeating: .dynamic, count: call.count), nulls: .custom, kernel: scalarRows { values -> DynamicValue in
      var out: [DynamicEntry] = []
      var seen: Set<TextKey> = []
      var isBag = false
      for value in values {
        guard case .dynamic(.bag(let entries)) = value else { continue }
        isBag = true
        for entry in entries where seen.insert(TextKey(entry.key)).inserted { out.append(entry) }
      }
      return isBag ? .bag(out) : .null
    })
  },
  // SAFETY: keys are windows on the row's memory, which lives for the call, and are copied.
  dynamicSpec("bag_keys", 1...1, "bag", "The keys of a bag as an array.", "bag_keys(dynamic({'a':1}))",
    bind: BoundFunction.unary(.dynamic, .dynamic, rows(DynamicRows.self) { bag -> DynamicValue in
      guard bag.tag == .bag else { return .null }
      return .array((0..<bag.childCount).compactMap { unsafe bag.entry($0).map { unsafe .string(String(decoding: $0.key, as: UTF8.self)) } })
    })),
  // SAFETY: as above.
  dynamicSpec("bag_remove_keys", 2...2, "bag, keys", "The bag without the keys or paths of an array.", "bag_remove_keys(dynamic({'a':1,'b':2}), dynamic(['a']))",
    bind: BoundFunction.fixed(.dynamic, [.dynamic, .dynamic], rows(DynamicRows.self, DynamicRows.self) { bag, keys -> DynamicValue in
      guard bag.tag == .bag, keys.tag == .array else { return .null }
      var out = bag.value
      for i in 0..<keys.childCount {
        guard let key = keys.element(i), key.tag == .string else { continue }
        let name = unsafe String(decoding: key.stringBytes, as: UTF8.self)
        let path = JSONPath(name)
        if path?.entersArrays == true { continue }
        let steps = path?.steps ?? [.key(name)]
        out = out.removing(steps[...])
      }
      return out
    })),
  dynamicSpec("bag_set_key", 3...3, "bag, key, value", "The bag with a key or path set.", "bag_set_key(dynamic({'a':1}), 'b', 2)",
    bind: { call in
      BoundFunction(.dynamic, [.dynamic, .string, .dynamic], nulls: .custom, kernel: rows(DynamicRows.self, StringRows.self, DynamicRows.self) { bag, key, value -> DynamicValue in
        guard bag.tag == .bag else { return .null }
        var keys = [key]
        if let path = JSONPath(key) {
          keys = path.steps.compactMap { if case .key(let name) = $0 { name } else { nil } }
          guard keys.count == path.steps.count, !keys.isEmpty else { return bag.value }
        }
        return bag.value.setting(keys[...], to: value.value) ?? bag.value
      })
    }),
  // SAFETY: as above.
  dynamicSpec("bag_zip", 2...2, "keys, values", "A bag of two arrays.", "bag_zip(dynamic(['a']), dynamic([1]))",
    bind: BoundFunction.fixed(.dynamic, [.dynamic, .dynamic], rows(DynamicRows.self, DynamicRows.self) { keys, values -> DynamicValue in
      guard keys.tag == .array else { return .null }
      // What is no array holds no values, so that every key is left without one.
      let hasValues = values.tag == .array
      var out: [DynamicEntry] = []
      for i in 0..<keys.childCount {
        guard let key = keys.element(i), key.tag == .string else { continue }
        let entry = unsafe DynamicEntry(String(decoding: key.stringBytes, as: UTF8.self), (hasValues ? values.element(i)?.value : nil) ?? .null)
        if let k = out.firstIndex(where: { $0.isNamed(entry.key) }) { out[k] = entry } else { out.append(entry) }
      }
      return .bag(out)
    })),
  // The mapping transformation PropertyBagArrayToDictionary. Source: Kusto reference, "Ingestion mappings".
  FunctionSpec(FunctionName.dictionary, .operator, 1...1, parameters: "array", "One bag of the members of the bags in an array, the last of a name; a bag is itself.", example: "",
    bind: BoundFunction.unary(.dynamic, .dynamic, rows(DynamicRows.self) { value -> DynamicValue in
      if value.tag == .bag { return value.value }
      guard case .array(let items) = value.value else { return .null }
      var out: [DynamicEntry] = []
      var places: [TextKey: Int] = [:]
      for case .bag(let entries) in items {
        for entry in entries {
          let key = TextKey(entry.key)
          if let place = places[key] {
            out[place] = entry
          } else {
            places[key] = out.count
            out.append(entry)
          }
        }
      }
      return .bag(out)
    })),
  dynamicSpec("treepath", 1...1, "value", "The paths of all leaves.", "treepath(dynamic({'a':[1]}))",
    bind: BoundFunction.unary(.dynamic, .dynamic, rows(DynamicRows.self) { value -> DynamicValue in
      guard value.tag == .bag || value.tag == .array else { return .null }
      var out: [DynamicValue] = []
      var seen: Set<TextKey> = []
      func walk(_ value: DynamicValue, _ path: String) {
        let isRoot = path.isEmpty
        switch value {
        case .bag(let entries):
          for entry in entries {
            let next = path + "['\(entry.key)']"
            if case .bag = entry.value { walk(entry.value, next) } else {
              if seen.insert(TextKey(next)).inserted { out.append(.string(next)) }
              walk(entry.value, next)
            }
          }
        case .array(let items):
          if !items.isEmpty, !isRoot, seen.insert(TextKey(path + "[0]")).inserted { out.append(.string(path + "[0]")) }
          for item in items { walk(item, path + "[0]") }
        default: break
        }
      }
      walk(value.value, "")
      return .array(out)
    })),
]

/// bag_pack: values keep their kind; a key given twice keeps its first value.
// SAFETY: rows below n are windows on the arguments' memory, which live for the call and are not the builder appended to; four fresh bytes take a
// key's length.
private func packKernel(_ arguments: [ColumnVector], _ n: Int) throws -> ColumnVector {
  let keys = stride(from: 0, to: arguments.count, by: 2).map { TextRows(arguments[$0]) }
  let values = stride(from: 1, to: arguments.count, by: 2).map { DynamicSource(arguments[$0]) }
  let areConstant = stride(from: 0, to: arguments.count, by: 2).allSatisfy { arguments[$0].isConstant }
  let out = StringBuilder(rows: n)
  var kept: [Int] = []
  for i in 0..<n {
    if i == 0 || !areConstant {
      kept.removeAll(keepingCapacity: true)
      for k in 0..<keys.count where !kept.contains(where: { unsafe sameBytes(keys[$0][i], keys[k][i]) }) { kept.append(k) }
    }
    appendContainer(.bag, kept.count, out.data) { c in
      let key = unsafe keys[kept[c]][i]
      let p = unsafe out.data.appendUninitialized(4)
      unsafe UnsafeMutableRawPointer(p).storeBytes(of: UInt32(truncatingIfNeeded: key.count), as: UInt32.self)
      unsafe out.data.append(contentsOf: key)
      values[kept[c]].append(i, to: out.data)
    }
    out.endRow()
  }
  return out.finish(.dynamic)
}
