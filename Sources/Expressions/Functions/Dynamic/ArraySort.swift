// Role: array_sort_asc and array_sort_desc: numbers and times first, then texts, guids and the rest; nulls last unless asked otherwise.
// With several arrays the result is an array of arrays in the first one's order. Source: Kusto "array_sort_asc()".

import Columnar

/// The group a value sorts in.
private func rank(_ value: DynamicValue) -> Int {
  switch value {
  case .long, .real, .decimal, .datetime, .timespan: 0
  case .string: 1
  case .guid: 2
  default: 3
  }
}

private func precedes(_ a: DynamicValue, _ b: DynamicValue) -> Bool {
  let x = rank(a), y = rank(b)
  if x != y { return x < y }
  func number(_ value: DynamicValue) -> Double {
    switch value {
    case .long(let v), .datetime(let v), .timespan(let v): Double(v)
    case .real(let v): v
    case .decimal(let v): v.doubleValue
    default: 0
    }
  }
  switch (a, b) {
  case (.long(let p), .long(let q)), (.datetime(let p), .datetime(let q)), (.timespan(let p), .timespan(let q)): return p < q
  case (.string(let p), .string(let q)): return Array(p.utf8).lexicographicallyPrecedes(Array(q.utf8))
  case (.guid(let p), .guid(let q)): return p < q
  case (.bool(let p), .bool(let q)): return !p && q
  default: return x == 0 && number(a) < number(b)
  }
}

/// The order of the places of a sorted array, stable.
private func order(_ items: [DynamicValue], isDescending: Bool, nullsLast: Bool) -> [Int] {
  let isNull = items.map { $0 == .null }
  let there = items.indices.filter { !isNull[$0] }.sorted { i, j in
    let (a, b) = (items[i], items[j])
    let x = rank(a), y = rank(b)
    // Groups keep their order in descending sorts too.
    if x != y { return x < y }
    if isDescending ? precedes(b, a) : precedes(a, b) { return true }
    if isDescending ? precedes(a, b) : precedes(b, a) { return false }
    return i < j
  }
  let nulls = items.indices.filter { isNull[$0] }
  return nullsLast ? there + nulls : nulls + there
}

func sorting(_ name: String, isDescending: Bool) -> FunctionSpec {
  dynamicSpec(name, 1...64, "array [, array, …] [, nulls last]", "The array sorted; further arrays are ordered alike.", "\(name)(dynamic([2,1]))") { call in
    let hasFlag = call.count > 1 && call.types[call.count - 1] == .bool
    let arrays = hasFlag ? call.count - 1 : call.count
    let parameters = Array(repeating: DataType.dynamic, count: arrays) + (hasFlag ? [.bool] : [])
    return BoundFunction(.dynamic, parameters, nulls: .custom, kernel: scalarRows { values -> DynamicValue in
      guard case .dynamic(.array(let first)) = values[0] else { return .null }
      var nullsLast = true
      if hasFlag, case .bool(let flag) = values[arrays] { nullsLast = flag }
      let places = order(first, isDescending: isDescending, nullsLast: nullsLast)
      let sorted = DynamicValue.array(places.map { first[$0] })
      if arrays == 1 { return sorted }
      var out = [sorted]
      for value in values[1..<arrays] {
        guard case .dynamic(.array(let items)) = value, items.count == first.count else {
          out.append(.null)
          continue
        }
        out.append(.array(places.map { items[$0] }))
      }
      return .array(out)
    })
  }
}
