// Role: evaluation of a bound tree on a batch: constants once, dictionaries on their values, conjunctions only on rows still in question.

package import Columnar

extension EvaluationNode {
  func evaluate(_ input: EvaluationInput) throws -> ColumnVector {
    switch self {
    case .column(let i, _): return input.columns[i]
    case .constant(_, let one): return one.repeated(input.rowCount)
    case .call(let call): return try call.apply(try call.arguments.map { try $0.evaluate(input) }, rowCount: input.rowCount)
    case .and(let terms): return try Self.combine(terms, input, isAnd: true)
    case .or(let terms): return try Self.combine(terms, input, isAnd: false)
    case .choice(let branches, let otherwise, let type): return try Self.choose(branches, otherwise, type, input)
    case .coalesce(let values, let type): return try Self.firstValue(values, type, input)
    }
  }

  /// Three-valued and / or: false (true) decides, else null if any term is null. Later terms are skipped when every row is decided.
  private static func combine(_ terms: [EvaluationNode], _ input: EvaluationInput, isAnd: Bool) throws -> ColumnVector {
    var result = try terms[0].evaluate(input)
    for term in terms.dropFirst() {
      let (isTrue, isFalse) = result.truth
      if (isAnd ? isFalse : isTrue).isAllSet { return result }
      let (otherTrue, otherFalse) = try term.evaluate(input).truth
      let trues = isAnd ? isTrue.and(otherTrue) : isTrue.or(otherTrue)
      let falses = isAnd ? isFalse.or(otherFalse) : isFalse.and(otherFalse)
      result = .bool(trues, validity: trues.or(falses))
    }
    return result
  }

  private static func choose(
    _ branches: [Branch], _ otherwise: EvaluationNode, _ type: DataType, _ input: EvaluationInput
  ) throws -> ColumnVector {
    let n = input.rowCount
    var remaining = Bitmap(repeating: true, count: n)
    var parts: [(rows: Bitmap, values: ColumnVector, isCompact: Bool)] = []
    for branch in branches {
      if remaining.isAllClear { break }
      let rows = try branch.condition.select(input, among: remaining)
      if rows.isAllClear { continue }
      parts.append(try part(branch.value, rows, input))
      remaining = remaining.andNot(rows)
    }
    if !remaining.isAllClear || parts.isEmpty { parts.append(try part(otherwise, remaining, input)) }
    return ColumnVector.merge(parts, type: type, count: n)
  }

  /// A branch's values: for few rows of a costly expression only those rows are computed, one behind the other.
  private static func part(
    _ node: EvaluationNode, _ rows: Bitmap, _ input: EvaluationInput
  ) throws -> (rows: Bitmap, values: ColumnVector, isCompact: Bool) {
    if case .call = node, node.isRowWise, rows.popcount * 2 < input.rowCount {
      return (rows, try node.evaluate(input.keeping(rows, for: [node])), true)
    }
    return (rows, try node.evaluate(input), false)
  }

  private static func firstValue(_ values: [EvaluationNode], _ type: DataType, _ input: EvaluationInput) throws -> ColumnVector {
    let n = input.rowCount
    var remaining = Bitmap(repeating: true, count: n)
    var parts: [(rows: Bitmap, values: ColumnVector, isCompact: Bool)] = []
    for (i, value) in values.enumerated() {
      if remaining.isAllClear { break }
      let vector = try value.evaluate(input)
      let present = i == values.count - 1 ? remaining : remaining.and(vector.presentRows)
      if present.isAllSet { return vector }
      if present.isAllClear { continue }
      parts.append((present, vector, false))
      remaining = remaining.andNot(present)
    }
    return parts.isEmpty ? .nulls(type, count: n) : ColumnVector.merge(parts, type: type, count: n)
  }
}

// MARK: - Selection

extension EvaluationNode {
  /// The rows where a boolean node is true.
  func select(_ input: EvaluationInput) throws -> Bitmap {
    switch self {
    case .and(let terms):
      var rows = try terms[0].select(input)
      for (i, term) in terms.enumerated().dropFirst() {
        let left = rows.popcount
        if left == 0 { return rows }
        // Few rows left: gather them and finish on the small input.
        if left * 8 < input.rowCount, terms[i...].allSatisfy(\.isRowWise) {
          let rest = i == terms.count - 1 ? term : .and(Array(terms[i...]))
          let small = try rest.select(input.keeping(rows, for: [rest]))
          return rows.scattering(small)
        }
        rows = rows.and(try term.select(input))
      }
      return rows
    case .or(let terms):
      var rows = try terms[0].select(input)
      for term in terms.dropFirst() where !rows.isAllSet { rows = rows.or(try term.select(input)) }
      return rows
    default: return try evaluate(input).trueBits
    }
  }

  /// The rows among `candidates` where a boolean node is true.
  func select(_ input: EvaluationInput, among candidates: Bitmap) throws -> Bitmap {
    if isRowWise, candidates.popcount * 4 < input.rowCount {
      return candidates.scattering(try select(input.keeping(candidates, for: [self])))
    }
    return try select(input).and(candidates)
  }
}

extension EvaluationInput {
  /// The rows whose bit is set; only the columns that `nodes` read are gathered.
  func keeping(_ rows: Bitmap, for nodes: [EvaluationNode]) -> EvaluationInput {
    var used: Set<Int> = []
    for node in nodes { node.collectColumns(into: &used) }
    let positions = rows.indices()
    var columns = columns
    for i in used { columns[i] = columns[i].take(positions) }
    return EvaluationInput(columns: columns, rowCount: positions.count)
  }
}

extension Bitmap {
  /// Of this bitmap's set bits, the k-th stays set when bit k of `small` is set.
  // SAFETY: small has a bit for each position, and those beyond its count are clear, so the k-th set bit has its place in `at`; positions are bits of
  // this bitmap. Both are alive behind the loop.
  func scattering(_ small: Bitmap) -> Bitmap {
    if small.isAllSet { return self }
    let positions = indices()
    return unsafe Bitmap.build(count: count) { words in
      let bits = unsafe small.words.pointer, at = unsafe positions.pointer
      for w in 0..<small.words.count {
        var word = unsafe bits[w]
        while word != 0 {
          let p = unsafe Int(at[w &* 64 &+ word.trailingZeroBitCount])
          unsafe words[p >> 6] |= 1 << UInt64(p & 63)
          word &= word &- 1
        }
      }
      withExtendedLifetime(positions) {}
    }
  }
}

// MARK: - Calls

extension BoundCall {
  /// A dictionary with more values than this many times the rows is not worth evaluating on its values.
  private static let dictionaryFactor = 4

  func apply(_ arguments: [ColumnVector], rowCount: Int) throws -> ColumnVector {
    if function.keepsValues, arguments.count == 1, arguments[0].validity == nil { return arguments[0] }
    guard function.isRowWise, isDeterministic, rowCount > 0 else { return try run(arguments, rowCount) }
    var dictionary: Int?
    for (i, argument) in arguments.enumerated() where !argument.isConstant {
      guard argument.isDictionary, dictionary == nil else { return try run(arguments, rowCount) }
      dictionary = i
    }
    guard let dictionary else {
      return arguments.isEmpty ? try run(arguments, rowCount) : try run(arguments.map { $0.one }, 1).repeated(rowCount)
    }
    return try onDictionary(arguments, dictionary, rowCount)
  }

  /// Evaluates on the values of the one dictionary argument and spreads the results over the rows.
  // SAFETY: rows are below rowCount, the number of codes and of bits; both are kept alive behind the loop, and `out` has rowCount slots.
  private func onDictionary(_ arguments: [ColumnVector], _ at: Int, _ rowCount: Int) throws -> ColumnVector {
    guard case .dictionary(let codes, let values) = arguments[at].storage, values.count > 0 else { return try run(arguments, rowCount) }
    let validity = arguments[at].validity
    let isPlain = validity == nil || (function.nulls == .propagate && values.type != .string)
    var result: ColumnVector
    if let known = recall(values) {
      result = known
    } else {
      if values.count > rowCount * Self.dictionaryFactor { return try run(arguments, rowCount) }
      // One more value stands for null rows.
      let all = ColumnVector.concat([values, ColumnVector.nulls(values.type, count: 1).flattened], type: values.type)
      var inner = arguments
      for i in inner.indices { inner[i] = i == at ? all : inner[i].one.repeated(all.count) }
      result = try run(inner, all.count).flattened
      remember(values, result)
    }
    let positions: Buffer<Int32>
    if isPlain {
      positions = codes
    } else {
      let builder = BufferBuilder<Int32>(capacity: rowCount)
      let out = unsafe builder.appendUninitialized(rowCount)
      let null = Int32(truncatingIfNeeded: values.count)
      let valid = unsafe validity?.words.pointer, from = unsafe codes.pointer
      for i in 0..<rowCount { unsafe out[i] = unsafe valid.map { unsafe $0[i >> 6] >> UInt64(i & 63) & 1 != 0 } ?? true ? unsafe from[i] : null }
      withExtendedLifetime((validity, codes)) {}
      positions = builder.finish()
    }
    if result.type.isVariableWidth, result.validity == nil || isPlain && result.nullCount == 1 && !result.isValid(values.count) {
      let rows = isPlain ? validity : nil
      return ColumnVector(
        type: result.type, count: rowCount, validity: rows,
        storage: .dictionary(codes: positions, values: result.validity == nil ? result : result.slice(0..<values.count)))
    }
    let taken = result.take(positions)
    return isPlain && validity != nil ? taken.withValidity(Bitmap.intersection(taken.validity, validity)) : taken
  }

  /// Runs the kernel on flat or constant arguments and applies the null rule.
  private func run(_ arguments: [ColumnVector], _ rowCount: Int) throws -> ColumnVector {
    let arguments = arguments.map { $0.isDictionary && !($0.type.isVariableWidth && $0.hasDictionaryValues) ? $0.flattened : $0 }
    let result = try function.kernel(arguments, rowCount)
    var validity = result.validity
    if function.nulls == .propagate {
      for argument in arguments where argument.type != .string { validity = Bitmap.intersection(validity, argument.validity) }
    }
    let typed = result.type == function.type ? result : result.retyped(function.type)
    return ColumnVector(type: typed.type, count: typed.count, validity: validity, storage: typed.storage)
  }
}

extension ColumnVector {
  /// False for a dictionary without values, whose rows are all null.
  fileprivate var hasDictionaryValues: Bool {
    if case .dictionary(_, let values) = storage { return values.count > 0 }
    return false
  }

  /// The one row of a constant, flat.
  var one: ColumnVector {
    if case .constant(let value) = storage { return value }
    return slice(0..<1).flattened
  }

  /// A one-row vector as a constant of `count` rows.
  package func repeated(_ count: Int) -> ColumnVector {
    let validity = nullCount == 1 && count > 0 ? Bitmap(repeating: false, count: count) : nil
    return ColumnVector(type: type, count: count, validity: validity, storage: .constant(value: flattened))
  }

  /// The rows where a bool vector is true, and those where it is false. No row of a vector of another type is either.
  var truth: (isTrue: Bitmap, isFalse: Bitmap) {
    switch storage {
    case .bool(let bits):
      guard let validity else { return (bits, bits.inverted) }
      return (bits.and(validity), validity.andNot(bits))
    case .constant(let value):
      let known = count > 0 && !isAllNull
      let isTrue = known && value.trueBits[0]
      return (Bitmap(repeating: isTrue, count: count), Bitmap(repeating: known && !isTrue, count: count))
    default: return type == .bool ? flattened.truth : (Bitmap(repeating: false, count: count), Bitmap(repeating: false, count: count))
    }
  }

  /// The rows that are not null, and for strings not empty.
  // SAFETY: rows below `count` are windows on the vector's memory, which is kept alive to the end; only their counts are taken.
  var presentRows: Bitmap {
    guard type == .string else { return validity ?? Bitmap(repeating: true, count: count) }
    let text = TextRows(self)
    let rows = bits(count) { unsafe text[$0].count > 0 }
    return withExtendedLifetime(self) { rows }
  }
}
