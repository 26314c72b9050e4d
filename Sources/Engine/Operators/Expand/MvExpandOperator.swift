// Role: mv-expand: a row becomes a row for each element of its arrays or bags.
// Source: Kusto language reference, "mv-expand operator".

package import Columnar
import DataSource
import Expressions

/// Expands dynamic columns in parallel: row r gives as many rows as its longest array has elements; shorter ones are filled with nulls. A null
/// gives one row, an empty array or bag none, a dynamic that is neither gives itself.
package struct MvExpandOperator: TableOperator {
  /// An output column.
  package struct Column: Sendable, Hashable {
    package enum Source: Sendable, Hashable {
      /// An input column, repeated for each element.
      case passed(String)
      /// The elements of a dynamic input column, as a type: elements of other kinds become null.
      case elements(String, DataType)
      /// The position of the element in the array, from 0.
      case index
    }

    package var name: String
    package var source: Source

    package init(_ name: String, _ source: Source) {
      self.name = name
      self.source = source
    }
  }

  private var columns: [Column]
  /// True: an entry of a bag becomes `[key, value]`; false: a bag of that entry.
  private let bagsAsArrays: Bool
  /// Rows made of one row at most.
  private let limit: Int

  package init(_ columns: [Column], bagsAsArrays: Bool = false, limit: Int? = nil) {
    self.columns = columns
    self.bagsAsArrays = bagsAsArrays
    self.limit = max(0, limit ?? Int(Int32.max))
  }

  package var name: String { "MvExpand" }

  package var detail: String {
    let shown = columns.compactMap { column -> String? in
      switch column.source {
      case .passed: nil
      case .elements(let source, let type): "\(quotedName(column.name)) = \(quotedName(source))" + (type == .dynamic ? "" : " to typeof(\(type))")
      case .index: "\(quotedName(column.name)) = index"
      }
    }
    return shown.joined(separator: ", ") + (limit == Int(Int32.max) ? "" : " limit \(limit)")
  }

  package var needsOrder: Bool { false }

  package func outputSchema(_ inputs: [StructType]) throws -> StructType {
    StructType(try columns.map { column in
      switch column.source {
      case .passed(let source):
        guard var field = inputs[0].field(source) else { throw ExpressionError.columnNotFound(source, candidates: inputs[0].names) }
        field.name = column.name
        return field
      case .elements(let source, let type):
        guard inputs[0].field(source)?.type == .dynamic else {
          throw ExpressionError.argumentTypes(function: "mv-expand", found: [inputs[0].field(source)?.type ?? .dynamic], expected: "dynamic")
        }
        return StructField(column.name, type)
      case .index: return StructField(column.name, .long)
      }
    })
  }

  package func keeping(_ wanted: Set<String>) -> any TableOperator {
    var kept = self
    kept.columns = columns.filter { column in
      if case .elements = column.source { return true }
      return wanted.contains(column.name)
    }
    return kept
  }

  package func columnsRead(for wanted: Set<String>, inputs: [StructType]) -> [Set<String>] {
    [columns.reduce(into: []) { names, column in
      switch column.source {
      case .passed(let source), .elements(let source, _): names.insert(source)
      case .index: break
      }
    }]
  }

  package func filterableColumns(_ inputs: [StructType]) -> Set<String> {
    columns.reduce(into: []) { names, column in if column.source == .passed(column.name) { names.insert(column.name) } }
  }

  package func passing(_ column: String) -> (any TableOperator)? {
    if columns.contains(where: { $0.name == column }) { return nil }
    var wider = self
    wider.columns.append(Column(column, .passed(column)))
    return wider
  }

  package func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution {
    var expanded: [Int] = []
    var slots: [MvExpandTransform.Slot] = []
    for column in columns {
      switch column.source {
      case .passed(let source): slots.append(.passed(inputs[0].index(of: source) ?? 0))
      case .index: slots.append(.index)
      case .elements(let source, let type):
        let conversion = try ElementConversion(type, context: context.evaluation)
        slots.append(.elements(expanded.count, conversion))
        expanded.append(inputs[0].index(of: source) ?? 0)
      }
    }
    return .batches(MvExpandTransform(slots: slots, expanded: expanded, bagsAsArrays: bagsAsArrays, limit: limit, schema: output))
  }
}

/// Expands one batch after the other.
struct MvExpandTransform: BatchTransform {
  enum Slot: Sendable {
    /// The position of the input column.
    case passed(Int)
    /// The position among the expanded columns.
    case elements(Int, ElementConversion)
    case index
  }

  let slots: [Slot]
  /// Positions of the input columns that are expanded.
  let expanded: [Int]
  let bagsAsArrays: Bool
  let limit: Int
  let schema: StructType

  func process(_ batch: RecordBatch, _ emit: (RecordBatch) throws -> Bool) throws -> Bool {
    let sources = expanded.map { DynamicCells(batch.columns[$0]) }
    var row = 0
    while row < batch.rowCount {
      let rows = BufferBuilder<Int32>(), indices = BufferBuilder<Int32>()
      // As many rows as give one batch of output, at least one.
      repeat {
        var count = 0
        for source in sources { count = max(count, source.elementCount(row)) }
        count = min(count, limit)
        rows.reserve(count)
        indices.reserve(count)
        for k in 0..<count {
          rows.appendUnchecked(Int32(truncatingIfNeeded: row))
          indices.appendUnchecked(Int32(truncatingIfNeeded: k))
        }
        row += 1
      } while row < batch.rowCount && rows.count < RecordBatch.maxRows
      guard rows.count > 0 else { continue }
      guard try emit(try output(batch, sources, rows.finish(), indices.finish())) else { return false }
    }
    return true
  }

  private func output(_ batch: RecordBatch, _ sources: [DynamicCells], _ rows: Buffer<Int32>, _ indices: Buffer<Int32>) throws -> RecordBatch {
    let columns = try slots.map { slot -> ColumnVector in
      switch slot {
      case .passed(let i): return batch.columns[i].take(rows)
      case .elements(let i, let conversion):
        if let plain = sources[i].plainElements(rows, as: conversion.type) { return plain }
        return try conversion.convert(sources[i].elements(rows, indices, conversion, bagsAsArrays: bagsAsArrays))
      case .index:
        let out = BufferBuilder<Int64>(capacity: rows.count)
        for i in 0..<indices.count { out.appendUnchecked(Int64(indices[i])) }
        return .long(out.finish())
      }
    }
    return RecordBatch(schema: schema, columns: columns, rowCount: rows.count)
  }
}
