// Role: in, !in, in~, !in~: a value against constant items through a hash set, or against items computed per row. A null value is in no list.

import Columnar

let membershipOperators: [FunctionSpec] = [
  membership(FunctionName.in, isNegated: false, folds: false, "True when the value equals an item."),
  membership(FunctionName.notIn, isNegated: true, folds: false, "True when the value equals no item."),
  membership(FunctionName.inTilde, isNegated: false, folds: true, "True when the text equals an item, whatever the case."),
  membership(FunctionName.notInTilde, isNegated: true, folds: true, "True when the text equals no item, whatever the case."),
]

private func membership(_ name: String, isNegated: Bool, folds: Bool, _ summary: String) -> FunctionSpec {
  FunctionSpec(name, .operator, 2...FunctionSpec.unbounded, parameters: "value, item, …", summary, example: folds ? "'B' \(name) ('a', 'b')" : "2 \(name) (1, 2)") { call in
    guard let items = constantItems(call) else { return try bindComputed(call, isNegated: isNegated, folds: folds) }
    return try bindConstant(call, items, isNegated: isNegated, folds: folds)
  }
}

/// The constant items; nil when one is not constant. Elements of a dynamic array have types of their own, and those that are no values of the
/// compared type equal none: they are left out.
private func constantItems(_ call: FunctionCall) -> [Scalar]? {
  var out: [Scalar] = []
  for i in 1..<call.count {
    guard let value = call.constants[i] else { return nil }
    if case .dynamic(.array(let elements)) = value { out += elements.compactMap { element(Scalar($0), as: call.types[0]) } } else { out.append(value) }
  }
  return out
}

/// An element of a dynamic array beside values of a type; nil when it equals none of them.
private func element(_ item: Scalar, as type: DataType) -> Scalar? {
  if item.isNull || comparisonType(type, item.type, isEquality: true) != nil { return item }
  guard type.isTextInDynamic, item.type == .string else { return nil }
  let value = ColumnVector.constant(item, count: 1).cast(to: type).scalar(0)
  return value.isNull ? nil : value
}

// SAFETY: rows are windows on the arguments' memory, which live for the call; sets read them only in `contains`.
private func bindConstant(_ call: FunctionCall, _ items: [Scalar], isNegated: Bool, folds: Bool) throws -> BoundFunction {
  var type = call.types[0]
  if folds, type != .string, type != .dynamic { throw call.wrongTypes("string") }
  for item in items where !item.isNull && comparisonType(type, item.type, isEquality: true) == nil {
    throw ExpressionError.argumentTypes(function: call.name, found: [type, item.type], expected: "items of the value's type")
  }
  // Dynamic values beside times or guids alone are read as such.
  let kinds = Set(items.filter { !$0.isNull }.map(\.type))
  if type == .dynamic, !folds, kinds.count == 1, let kind = kinds.first, kind.isTextInDynamic { type = kind }
  switch type {
  case .string:
    let set = TextSet(items.filter { !$0.isNull || $0.type == .string }.map(\.plainText), folds: folds)
    return BoundFunction(.bool, [.string], nulls: .custom) { arguments, n in
      let text = TextRows(arguments[0])
      return .bool(bits(n) { unsafe set.contains(text[$0]) != isNegated })
    }
  case .int, .long, .datetime, .timespan:
    guard let values = longItems(items) else { break }
    let set = LongSet(values)
    let wanted: DataType = type == .int ? .long : type
    return BoundFunction(.bool, [wanted], nulls: .custom) { arguments, n in
      guard case .column(let buffer)? = arguments[0].longOperand else {
        let rows = LongRows(arguments[0])
        return withNulls(bits(n) { set.contains(rows[$0]) }, arguments[0], isNegated)
      }
      return withNulls(set.search(buffer), arguments[0], isNegated)
    }
  case .dynamic:
    let texts = folds ? TextSet(items.filter { !$0.isNull }.map(\.plainText), folds: true) : nil
    let values = Set(items.filter { !$0.isNull }.map { DynamicKey($0) })
    return BoundFunction(.bool, [.dynamic], nulls: .custom) { arguments, n in
      let value = DynamicRows(arguments[0])
      let found = bits(n) { i in texts.map { unsafe $0.contains(value[i].stringBytes) } ?? values.contains(DynamicKey(value[i])) }
      return withNulls(found, arguments[0], isNegated)
    }
  default: break
  }
  // The other types: one comparison per item.
  var wide = type
  for item in items where !item.isNull { wide = comparisonType(wide, item.type, isEquality: true) ?? wide }
  let columns = items.filter { !$0.isNull }.map { ColumnVector.constant($0, count: 1).cast(to: wide) }.filter { $0.nullCount == 0 }
  return BoundFunction(.bool, [wide], nulls: .custom) { arguments, n in
    var found = Bitmap(repeating: false, count: n)
    for column in columns { found = found.or(compareBits(.equal, arguments[0], column.one.repeated(n), n)) }
    return withNulls(found, arguments[0], isNegated)
  }
}

/// A null value is in no list.
private func withNulls(_ found: Bitmap, _ value: ColumnVector, _ isNegated: Bool) -> ColumnVector {
  let known = value.validity.map { found.and($0) } ?? found
  return .bool(isNegated ? known.inverted : known)
}

/// Items as 64-bit integers: reals and decimals that are whole count, others match nothing; nil when an item is of another kind.
private func longItems(_ items: [Scalar]) -> [Int64]? {
  var out: [Int64] = []
  for item in items where !item.isNull {
    switch item {
    case .bool(let v): out.append(v ? 1 : 0)
    case .real(let v): if let whole = Int64(exactly: v) { out.append(whole) }
    case .decimal(let v): if let whole = v.rescaled(to: 0).flatMap({ Int64(exactly: $0) }) { out.append(whole) }
    default:
      guard let value = item.int64Value else { return nil }
      out.append(value)
    }
  }
  return out
}

// SAFETY: rows are windows on the arguments' memory, which live for the call; a needle copies its text.
private func bindComputed(_ call: FunctionCall, isNegated: Bool, folds: Bool) throws -> BoundFunction {
  if call.count == 2, call.types[1] == .dynamic, call.types[0] != .dynamic || !folds {
    return BoundFunction(.bool, [.dynamic, .dynamic], nulls: .custom, kernel: rows(DynamicRows.self, DynamicRows.self) { value, list in
      var isIn = false
      if list.tag == .array {
        for i in 0..<list.childCount where !isIn {
          guard let element = list.element(i), element.tag != .null else { continue }
          isIn = unsafe folds
            ? TextNeedle(element.stringBytes, .equals, isCaseSensitive: false).matches(value.stringBytes) : element.isEqual(value)
        }
      } else if list.tag != .null {
        isIn = list.isEqual(value)
      }
      return isIn != isNegated
    })
  }
  var type = call.types[0]
  for other in call.types.dropFirst() {
    guard let common = comparisonType(type, other, isEquality: true) ?? (call.types.contains(.dynamic) ? .dynamic : nil) else { throw call.wrongTypes("items of the value's type") }
    type = common
  }
  if folds { type = .string }
  let compared = type
  return BoundFunction(.bool, Array(repeating: type, count: call.count), nulls: .custom) { arguments, n in
    var found = Bitmap(repeating: false, count: n)
    for item in arguments.dropFirst() {
      var equal: Bitmap
      if folds {
        let a = TextRows(arguments[0]), b = TextRows(item)
        equal = bits(n) { unsafe TextNeedle(b[$0], .equals, isCaseSensitive: false).matches(a[$0]) }
      } else {
        equal = compareBits(.equal, arguments[0], item, n)
      }
      if compared != .string { equal = item.validity.map { equal.and($0) } ?? equal }
      found = found.or(equal)
    }
    if compared == .string { return .bool(isNegated ? found.inverted : found) }
    return withNulls(found, arguments[0], isNegated)
  }
}

/// A dynamic value by content, for sets.
struct DynamicKey: Hashable, Sendable {
  private let bytes: [UInt8]

  // SAFETY: the view's bytes are copied, alive as long as its owner.
  init(_ view: DynamicView) { bytes = unsafe Array(UnsafeBufferPointer(start: view.base, count: view.count)) }
  init(_ scalar: Scalar) { bytes = DynamicValue(scalar).binary }

  static func == (a: DynamicKey, b: DynamicKey) -> Bool {
    a.view { x in b.view { y in x.isEqual(y) } }
  }

  func hash(into hasher: inout Hasher) { view { $0.hash(into: &hasher) } }

  // SAFETY: the bytes live for the call; the address of `nothing` stands for none, since the view has length 0 and reads nothing.
  private func view<R>(_ body: (DynamicView) -> R) -> R {
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else {
        var nothing: UInt8 = 0
        return unsafe body(DynamicView(&nothing, 0))
      }
      return unsafe body(DynamicView(base, buffer.count))
    }
  }
}
