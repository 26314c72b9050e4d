// Role: array functions: making, cutting, shifting, sorting, searching, set operations. Source: Kusto "Dynamic/array functions".

import Columnar

/// The elements, or nil for what is no array.
func elements(_ value: DynamicView) -> [DynamicValue]? {
  guard value.tag == .array else { return nil }
  return (0..<value.childCount).map { value.element($0)?.value ?? .null }
}

private func elements(_ scalar: Scalar) -> [DynamicValue]? {
  if case .dynamic(.array(let items)) = scalar { return items }
  return nil
}

/// A function of an array and a whole number that gives an array.
private func arrayAndCount(_ name: String, _ summary: String, _ f: @escaping @Sendable ([DynamicValue], Int) -> [DynamicValue]) -> FunctionSpec {
  dynamicSpec(name, 2...2, "array, count", summary, "\(name)(dynamic([1,2,3]), 1)",
    bind: BoundFunction.fixed(.dynamic, [.dynamic, .long], rows(DynamicRows.self, LongRows.self) { array, count -> DynamicValue in
      guard let items = elements(array) else { return .null }
      return .array(f(items, Int(clamping: count)))
    }))
}

private func rotated(_ items: [DynamicValue], left: Int) -> [DynamicValue] {
  guard !items.isEmpty else { return items }
  let k = ((left % items.count) + items.count) % items.count
  return Array(items[k...] + items[..<k])
}

private func shift(_ name: String, sign: Int) -> FunctionSpec {
  dynamicSpec(name, 2...3, "array, count [, default]", "The elements shifted; free places get the default.", "\(name)(dynamic([1,2,3]), 1)") { call in
    let parameters: [DataType] = [.dynamic, .long] + (call.count == 3 ? [call.types[2]] : [])
    return BoundFunction(.dynamic, parameters, nulls: .custom, kernel: scalarRows { values -> DynamicValue in
      guard let items = elements(values[0]), let count = values[1].int64Value else { return .null }
      // Without a default, arrays of strings are filled with ''.
      let allText = !items.isEmpty && items.allSatisfy { if case .string = $0 { true } else { false } }
      let filler: DynamicValue = values.count > 2 ? DynamicValue(values[2]) : allText ? .string("") : .null
      let k = max(Int(clamping: count), -Int.max) * sign
      return .array(items.indices.map { i in
        let (from, overflow) = i.addingReportingOverflow(k)
        return !overflow && items.indices.contains(from) ? items[from] : filler
      })
    })
  }
}

private func setOperation(_ name: String, _ summary: String, _ f: @escaping @Sendable ([[DynamicValue]]) -> [DynamicValue]) -> FunctionSpec {
  dynamicSpec(name, 2...64, "array, array, …", summary, "\(name)(dynamic([1,2]), dynamic([2,3]))") { call in
    BoundFunction(.dynamic, Array(repeating: .dynamic, count: call.count), nulls: .custom, kernel: scalarRows { values -> DynamicValue in
      var sets: [[DynamicValue]] = []
      for value in values {
        guard let items = elements(value) else { return .null }
        sets.append(items)
      }
      return .array(f(sets))
    })
  }
}

/// The items without repetitions, in the order of their first occurrence.
private func unique(_ items: [DynamicValue]) -> [DynamicValue] {
  var seen: Set<DynamicKey> = []
  return items.filter { seen.insert(DynamicKey(scalar: $0)).inserted }
}

extension DynamicKey {
  init(scalar value: DynamicValue) { self.init(Scalar(value)) }
}

private func arrayIff(_ name: String) -> FunctionSpec {
  dynamicSpec(name, 3...3, "conditions, if true, if false", "Element by element from one of two arrays or values.", "\(name)(dynamic([true,false]), 1, 2)") { call in
    BoundFunction(.dynamic, [.dynamic, call.types[1], call.types[2]], nulls: .custom, kernel: scalarRows { values -> DynamicValue in
      guard let conditions = elements(values[0]) else { return .null }
      func pick(_ scalar: Scalar, _ i: Int) -> DynamicValue {
        if let items = elements(scalar) { return i < items.count ? items[i] : .null }
        return DynamicValue(scalar)
      }
      return .array(conditions.enumerated().map { i, condition in
        switch condition {
        case .bool(let b): pick(b ? values[1] : values[2], i)
        case .long(let v): pick(v != 0 ? values[1] : values[2], i)
        case .real(let v): pick(v != 0 ? values[1] : values[2], i)
        default: .null
        }
      })
    })
  }
}

let arrayFunctions: [FunctionSpec] = [
  dynamicSpec("pack_array", 0...FunctionSpec.unbounded, "value, …", "An array of the values.", "pack_array(1, 'a')") { call in
    BoundFunction(.dynamic, call.types, nulls: .custom) { arguments, n in
      let values = arguments.map { DynamicSource($0) }
      let out = StringBuilder(rows: n)
      for i in 0..<n {
        appendContainer(.array, values.count, out.data) { values[$0].append(i, to: out.data) }
        out.endRow()
      }
      return out.finish(.dynamic)
    }
  },
  dynamicSpec("array_concat", 1...64, "array, …", "The elements of all arrays.", "array_concat(dynamic([1]), dynamic([2]))") { call in
    BoundFunction(.dynamic, Array(repeating: .dynamic, count: call.count), nulls: .custom, kernel: scalarRows { values -> DynamicValue in
      let arrays = values.compactMap { elements($0) }
      return arrays.isEmpty ? .null : .array(Array(arrays.joined()))
    })
  },
  dynamicSpec("array_slice", 3...3, "array, start, end", "The elements from start to end, both included; negative places count from the end.", "array_slice(dynamic([1,2,3]), 0, 1)",
    bind: BoundFunction.fixed(.dynamic, [.dynamic, .long, .long], rows(DynamicRows.self, LongRows.self, LongRows.self) { array, start, end -> DynamicValue in
      guard let items = elements(array) else { return .null }
      let n = Int64(items.count)
      let first = max(0, start < 0 ? n &+ start : start), last = min(n - 1, end < 0 ? n &+ end : end)
      return .array(first <= last ? Array(items[Int(first)...Int(last)]) : [])
    })),
  dynamicSpec("array_split", 2...2, "array, places", "The array cut before a place, or before each of several.", "array_split(dynamic([1,2,3]), 1)",
    bind: BoundFunction.fixed(.dynamic, [.dynamic, .dynamic], rows(DynamicRows.self, DynamicRows.self) { array, places -> DynamicValue in
      guard let items = elements(array) else { return .null }
      let list = elements(places) ?? [places.value]
      var out: [DynamicValue] = []
      var from = 0
      for place in list {
        guard case .long(let k) = place else { return .null }
        let cut = Int(max(Int64(from), min(Int64(items.count), k < 0 ? Int64(items.count) &+ k : k)))
        out.append(.array(Array(items[from..<cut])))
        from = cut
      }
      out.append(.array(Array(items[from...])))
      return .array(out)
    })),
  arrayAndCount("array_rotate_left", "The elements rotated to the left.") { rotated($0, left: $1) },
  arrayAndCount("array_rotate_right", "The elements rotated to the right.") { rotated($0, left: $1 == .min ? 0 : 0 - $1) },
  shift("array_shift_left", sign: 1), shift("array_shift_right", sign: -1),
  dynamicSpec("array_reverse", 1...1, "array", "The elements in reverse order.", "array_reverse(dynamic([1,2]))",
    bind: BoundFunction.unary(.dynamic, .dynamic, rows(DynamicRows.self) { array -> DynamicValue in elements(array).map { .array($0.reversed()) } ?? .null })),
  dynamicSpec("array_sum", 1...1, "array", "Sum of the numbers; null when an element is none.", "array_sum(dynamic([1,2]))",
    bind: BoundFunction.unary(.real, .dynamic, rows(DynamicRows.self) { array -> Double? in
      guard array.tag == .array else { return nil }
      var sum = 0.0
      for i in 0..<array.childCount {
        guard let x = array.element(i)?.number else { return nil }
        sum += x
      }
      return sum
    })),
  dynamicSpec("array_index_of", 2...5, "array, value [, start [, length [, occurrence]]]", "Place of a value, -1 when absent.", "array_index_of(dynamic(['a','b']), 'b')") { call in
    BoundFunction(.long, [.dynamic, .dynamic] + Array(repeating: .long, count: call.count - 2)) { arguments, n in
      let arrays = DynamicRows(arguments[0]), values = DynamicRows(arguments[1])
      let numbers = arguments.dropFirst(2).map { LongRows($0) }
      return try Optional<Int64>.collect(n) { i -> Int64? in
        let array = arrays[i]
        guard array.tag == .array else { return nil }
        let count = Int64(array.childCount)
        let start = numbers.count > 0 ? numbers[0][i] : 0, length = numbers.count > 1 ? numbers[1][i] : -1
        var left = numbers.count > 2 ? numbers[2][i] : 1
        guard length >= -1, left >= 1 else { return nil }
        let first = start < 0 ? max(0, count &+ start) : start
        let end = length < 0 || length >= count - min(first, count) ? count : first + length
        var k = first
        while k < end {
          if let element = array.element(Int(k)), element.isEqual(values[i]) {
            left -= 1
            if left == 0 { return k }
          }
          k += 1
        }
        return -1
      }
    }
  },
  arrayIff("array_iff"), arrayIff("array_iif"),
  // SAFETY: the rows are windows on the arguments' memory, which live for the call and are not the builder appended to.
  unsafe dynamicSpec("strcat_array", aliases: ["array_strcat"], 2...2, "array, delimiter", "The elements' texts joined.", "strcat_array(dynamic([1,2]), '-')",
    bind: BoundFunction.fixed(.string, [.dynamic, .string], textRows(DynamicRows.self, TextRows.self) { array, delimiter, out in
      for i in 0..<array.childCount {
        if i > 0 { unsafe out.append(contentsOf: delimiter) }
        if let element = array.element(i) { DynamicPrinter.appendText(element, to: out) }
      }
    })),
  setOperation("set_union", "All distinct elements.") { unique(Array($0.joined())) },
  setOperation("set_intersect", "The distinct elements all arrays have.") { sets in
    let others = sets.dropFirst().map { Set($0.map { DynamicKey(scalar: $0) }) }
    return unique(sets[0]).filter { item in others.allSatisfy { $0.contains(DynamicKey(scalar: item)) } }
  },
  setOperation("set_difference", "The distinct elements of the first array that no other has.") { sets in
    let others = Set(sets.dropFirst().joined().map { DynamicKey(scalar: $0) })
    return unique(sets[0]).filter { !others.contains(DynamicKey(scalar: $0)) }
  },
  dynamicSpec("set_equals", 2...2, "array, array", "True when both have the same distinct elements.", "set_equals(dynamic([1,2]), dynamic([2,1]))",
    bind: BoundFunction.fixed(.bool, [.dynamic, .dynamic], rows(DynamicRows.self, DynamicRows.self) { a, b -> Bool? in
      guard let x = elements(a), let y = elements(b) else { return nil }
      return Set(x.map { DynamicKey(scalar: $0) }) == Set(y.map { DynamicKey(scalar: $0) })
    })),
  dynamicSpec("jaccard_index", 2...2, "array, array", "Shared elements divided by all distinct elements.", "jaccard_index(dynamic([1,2]), dynamic([2,3]))",
    bind: BoundFunction.fixed(.real, [.dynamic, .dynamic], rows(DynamicRows.self, DynamicRows.self) { a, b -> Double? in
      guard let x = elements(a), let y = elements(b) else { return nil }
      let p = Set(x.map { DynamicKey(scalar: $0) }), q = Set(y.map { DynamicKey(scalar: $0) })
      let all = p.union(q).count
      return all == 0 ? nil : Double(p.intersection(q).count) / Double(all)
    })),
  dynamicSpec("zip", 2...64, "array, array, …", "Arrays of the elements at the same place.", "zip(dynamic([1,2]), dynamic(['a','b']))") { call in
    BoundFunction(.dynamic, Array(repeating: .dynamic, count: call.count), nulls: .custom, kernel: scalarRows { values -> DynamicValue in
      let arrays = values.map { elements($0) ?? [] }
      if values.allSatisfy({ elements($0) == nil }) { return .null }
      let n = arrays.map(\.count).max() ?? 0
      return .array((0..<n).map { i in .array(arrays.map { i < $0.count ? $0[i] : .null }) })
    })
  },
  dynamicSpec("repeat", 2...2, "value, count", "An array with the value so many times; null for a negative count.", "repeat(1, 3)") { call in
    BoundFunction(.dynamic, [call.types[0], .long], nulls: .custom, kernel: scalarRows { values -> DynamicValue in
      guard let count = values[1].int64Value, count >= 0 else { return .null }
      guard count <= maxGeneratedElements else { throw ExpressionError.invalidArgument(function: "repeat", message: "more than \(maxGeneratedElements) elements") }
      return .array(Array(repeating: DynamicValue(values[0]), count: Int(count)))
    })
  },
  dynamicSpec("range", 2...3, "start, stop [, step]", "An array counting from start to stop.", "range(1, 8, 3)") { call in try bindRange(call) },
  sorting("array_sort_asc", isDescending: false), sorting("array_sort_desc", isDescending: true),
]

/// Kusto's limit on elements made by range().
let maxGeneratedElements = 1_048_576

private func bindRange(_ call: FunctionCall) throws -> BoundFunction {
  let types = call.types
  let type: DataType
  switch types[0] {
  case .datetime, .timespan: type = .long
  case .int, .long, .real, .dynamic:
    var wide: DataType = .long
    for t in types where t == .real || t == .decimal { wide = t == .decimal ? .real : t }
    type = wide
  case .decimal: type = .real
  default: throw call.wrongTypes("numbers, datetimes or timespans")
  }
  let isTime = types[0] == .datetime || types[0] == .timespan
  if isTime, types[1] != types[0] && types[1] != .dynamic || call.count == 3 && types[2] != .timespan && types[2] != .dynamic {
    throw call.wrongTypes("start and stop of one type and a timespan")
  }
  let parameters: [DataType] = isTime ? Array([types[0], types[0], .timespan].prefix(call.count)) : Array(repeating: type, count: call.count)
  let first = types[0]
  return BoundFunction(.dynamic, parameters) { arguments, n in
    if type == .real {
      let a = RealRows(arguments[0]), b = RealRows(arguments[1]), s = arguments.count > 2 ? RealRows(arguments[2]) : nil
      return try DynamicValue.collect(n) { i in
        let step = s?[i] ?? 1
        guard step != 0, a[i].isFinite, b[i].isFinite, step.isFinite else { return .null }
        var out: [DynamicValue] = []
        var k = 0
        while out.count < maxGeneratedElements {
          let x = a[i] + Double(k) * step
          if step > 0 ? x > b[i] : x < b[i] { break }
          out.append(.real(x))
          k += 1
        }
        return .array(out)
      }
    }
    let a = LongRows(arguments[0]), b = LongRows(arguments[1]), s = arguments.count > 2 ? LongRows(arguments[2]) : nil
    return try DynamicValue.collect(n) { i in
      let step = s?[i] ?? (isTime ? CivilTime.ticksPerHour : 1)
      guard step != 0 else { return .null }
      var out: [DynamicValue] = []
      var x = a[i]
      while out.count < maxGeneratedElements, step > 0 ? x <= b[i] : x >= b[i] {
        out.append(first == .datetime ? .datetime(x) : first == .timespan ? .timespan(x) : .long(x))
        let (next, overflow) = x.addingReportingOverflow(step)
        if overflow { break }
        x = next
      }
      return .array(out)
    }
  }
}
