// Role: columns taken out of a text column by a pattern: parse, parse-where and parse-kv.
// Source: Kusto language reference, "parse operator", "parse-where operator", "parse-kv operator".

package import Columnar
import DataSource
import Expressions

/// Finds the parts of one text.
protocol TextExtractor: Sendable {
  /// Fills in the part for each column, nil where there is none; false when the text does not match at all. All parts are nil before.
  func find(in text: TextBytes, _ parts: inout [TextPart?]) -> Bool
  /// Bytes that make the next one of a quoted part stand for itself.
  var escapes: [UInt8] { get }
}

extension TextExtractor {
  var escapes: [UInt8] { [] }
}

/// A part of a text.
struct TextPart: Hashable {
  var range: Range<Int>
  /// True when bytes of it may be escaped.
  var isQuoted = false
}

/// Adds a column for each part that an extractor finds in a text column, converted to a type.
package struct TextExtractOperator: TableOperator {
  /// A column to extract.
  package struct Column: Sendable, Hashable {
    package var name: String
    package var type: DataType

    package init(_ name: String, _ type: DataType) {
      self.name = name
      self.type = type
    }
  }

  private let operatorName: String
  private let source: String
  private let columns: [Column]
  private let extractor: any TextExtractor
  /// True when a part that does not convert makes the whole row fail.
  private let isStrict: Bool
  /// True when rows that fail are dropped; else their columns are null.
  private let dropsFailures: Bool

  init(_ name: String, source: String, columns: [Column], extractor: any TextExtractor, isStrict: Bool, dropsFailures: Bool) {
    operatorName = name
    self.source = source
    self.columns = columns
    self.extractor = extractor
    self.isStrict = isStrict
    self.dropsFailures = dropsFailures
  }

  package var name: String { operatorName }
  package var detail: String { "\(quotedName(source)) to [\(columns.map { "\(quotedName($0.name)):\($0.type)" }.joined(separator: ", "))]" }
  package var needsOrder: Bool { false }
  package var keepsRowCount: Bool { !dropsFailures }

  package func outputSchema(_ inputs: [StructType]) throws -> StructType {
    var fields = inputs[0].fields
    for column in columns {
      let field = StructField(column.name, column.type)
      if let i = fields.firstIndex(where: { $0.name == column.name }) { fields[i] = field } else { fields.append(field) }
    }
    return StructType(fields)
  }

  package func columnsRead(for wanted: Set<String>, inputs: [StructType]) -> [Set<String>] {
    [wanted.subtracting(columns.map(\.name)).union([source])]
  }

  package func filterableColumns(_ inputs: [StructType]) -> Set<String> { Set(inputs[0].names).subtracting(columns.map(\.name)) }

  package func passing(_ column: String) -> (any TableOperator)? { columns.contains { $0.name == column } ? nil : self }

  package func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution {
    let slots = try columns.map { column in
      TextExtractTransform.Slot(output: output.index(of: column.name) ?? 0, conversion: try TextConversion(column.type, context.evaluation))
    }
    let passed = inputs[0].fields.indices.map { i in columns.contains { $0.name == inputs[0][i].name } ? nil : output.index(of: inputs[0][i].name) }
    return .batches(
      TextExtractTransform(
        source: inputs[0].index(of: source) ?? 0, passed: passed, slots: slots, extractor: extractor, isStrict: isStrict,
        dropsFailures: dropsFailures, schema: output))
  }
}

/// A text column converted to a type; what does not convert is null.
struct TextConversion: Sendable {
  private let compiled: CompiledExpr?
  private static let schema = StructType([StructField("text", .string)])

  init(_ type: DataType, _ context: EvaluationContext) throws {
    compiled = type == .string ? nil : try CompiledExpr(.call("to\(type)", [.column("text")]), schema: Self.schema, context: context)
  }

  var isText: Bool { compiled == nil }

  func convert(_ text: ColumnVector) throws -> ColumnVector {
    guard let compiled else { return text }
    return try compiled.evaluate(RecordBatch(schema: Self.schema, columns: [text], rowCount: text.count))
  }
}

/// Extracts column by column: first the parts of all rows as text, then each column converted as a whole.
private struct TextExtractTransform: BatchTransform {
  struct Slot: Sendable {
    let output: Int
    let conversion: TextConversion
  }

  let source: Int
  /// Where each input column goes in the output; nil for one that is replaced.
  let passed: [Int?]
  let slots: [Slot]
  let extractor: any TextExtractor
  let isStrict: Bool
  let dropsFailures: Bool
  let schema: StructType

  func process(_ batch: RecordBatch, _ emit: (RecordBatch) throws -> Bool) throws -> Bool {
    var (converted, good) = try extracted(batch.columns[source], batch.rowCount)
    if !dropsFailures, !good.isAllSet {
      converted = zip(slots, converted).map { slot, column in
        slot.conversion.isText ? Self.emptied(column, outside: good) : column.withValidity(Bitmap.intersection(column.validity, good))
      }
    }
    var columns = Array(repeating: ColumnVector.nulls(.bool, count: 0), count: schema.count)
    for (i, at) in passed.enumerated() { if let at { columns[at] = batch.columns[i] } }
    for (slot, column) in zip(slots, converted) { columns[slot.output] = column }
    let out = RecordBatch(schema: schema, columns: columns, rowCount: batch.rowCount)
    return try emit(dropsFailures ? out.filter(good) : out)
  }

  /// The converted columns, and the rows that match. The values of a dictionary are looked at once.
  private func extracted(_ vector: ColumnVector, _ count: Int) throws -> ([ColumnVector], Bitmap) {
    if case .dictionary(let codes, let values) = vector.storage, values.count < count {
      // One more value stands for null rows, which read as empty.
      let (columns, good) = try extracted(.concat([values, .constant(.string(""), count: 1)], type: .string), values.count + 1)
      let positions = BufferBuilder<Int32>(capacity: count)
      for i in 0..<count { positions.appendUnchecked(vector.isValid(i) ? codes[i] : Int32(truncatingIfNeeded: values.count)) }
      let rows = positions.finish()
      return (columns.map { $0.take(rows) }, ColumnVector.bool(good).take(rows).trueBits)
    }
    let (texts, matched) = extract(vector, count)
    let converted = try zip(slots, texts).map { try $0.conversion.convert($1) }
    var good = matched
    if isStrict {
      for (slot, column) in zip(slots, converted) where !slot.conversion.isText { good = column.validity.map { good.and($0) } ?? good }
    }
    return (converted, good)
  }

  /// The parts as text columns, empty where there is none (null for a column of another type), and the rows that match.
  private func extract(_ vector: ColumnVector, _ count: Int) -> ([ColumnVector], Bitmap) {
    let rows = TextCells(vector)
    let builders = slots.map { _ in StringBuilder(rows: count) }
    let present = slots.map { _ in BitmapBuilder(capacity: count) }
    let matched = BitmapBuilder(capacity: count)
    let escapes = extractor.escapes
    var parts = [TextPart?](repeating: nil, count: slots.count)
    for i in 0..<count {
      rows.withText(i) { text in
        for k in parts.indices { parts[k] = nil }
        let isMatch = extractor.find(in: text, &parts)
        matched.append(isMatch)
        for k in parts.indices {
          let part = isMatch ? parts[k] : nil
          if let part { text.append(part.range, escapes: part.isQuoted ? escapes : [], to: builders[k].data) }
          builders[k].endRow()
          present[k].append(part != nil)
        }
      }
    }
    let columns = zip(slots, zip(builders, present)).map { slot, column in
      let (text, bits) = column
      let validity = bits.finishValidity()
      return text.finish(.string, validity: slot.conversion.isText ? nil : validity)
    }
    return (columns, matched.finish())
  }

  /// The texts, empty outside some rows.
  private static func emptied(_ column: ColumnVector, outside rows: Bitmap) -> ColumnVector {
    let positions = BufferBuilder<Int32>(capacity: column.count)
    for i in 0..<column.count { positions.appendUnchecked(rows[i] ? Int32(truncatingIfNeeded: i) : Int32(truncatingIfNeeded: column.count)) }
    return ColumnVector.concat([column, .constant(.string(""), count: 1)], type: .string).take(positions.finish())
  }
}
