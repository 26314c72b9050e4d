// Role: results in the formats that are not file formats: an aligned table, markdown, one JSON object. Each streams: memory does not grow with rows.

import Columnar
import JSON
import KConnect

/// Writes batches in some text form.
protocol RowPrinter: AnyObject {
  func write(_ batch: RecordBatch) throws
  /// Ends the text; `finish` of the output is the caller's.
  func end() throws
}

/// An aligned table. Widths come from the first thousand rows; wider cells of later rows are cut on a terminal and shift their line elsewhere.
final class TablePrinter: RowPrinter {
  private let output: ByteOutput
  private let schema: StructType
  private let showsHeader: Bool
  private let maxWidth: Int?
  private var sample: [[String]] = []
  private var table: TableText?
  private static let sampleRows = 1_000

  init(_ output: ByteOutput, schema: StructType, showsHeader: Bool, maxWidth: Int?) {
    self.output = output
    self.schema = schema
    self.showsHeader = showsHeader
    self.maxWidth = maxWidth
  }

  func write(_ batch: RecordBatch) throws {
    for i in 0..<batch.rowCount {
      let cells = batch.row(i).map(TableText.cell)
      if let table {
        try output.write(table.line(cells) + "\n")
      } else {
        sample.append(cells)
        if sample.count >= Self.sampleRows { try start() }
      }
    }
  }

  private func start() throws {
    let table = TableText(schema: schema, sample: sample, maxWidth: maxWidth, maxCell: nil)
    self.table = table
    try output.write(table.rule(.top) + "\n")
    if showsHeader { try output.write(table.header + "\n" + table.rule(.middle) + "\n") }
    for row in sample { try output.write(table.line(row) + "\n") }
    sample = []
  }

  func end() throws {
    if table == nil { try start() }
    if let table { try output.write(table.rule(.bottom) + "\n") }
  }
}

/// A Markdown table; pipes and line breaks in cells are escaped.
final class MarkdownPrinter: RowPrinter {
  private let output: ByteOutput

  init(_ output: ByteOutput, schema: StructType, showsHeader: Bool) throws {
    self.output = output
    if showsHeader {
      try output.write("| " + schema.names.map(Self.escaped).joined(separator: " | ") + " |\n")
      try output.write("|" + schema.fields.map { $0.type.isNumeric ? " ---: |" : " --- |" }.joined() + "\n")
    }
  }

  private static func escaped(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "|": out += "\\|"
      case "\\": out += "\\\\"
      case "\n": out += "<br>"
      case "\r": break
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  func write(_ batch: RecordBatch) throws {
    for i in 0..<batch.rowCount {
      let cells = batch.row(i).map { $0.isNull ? TableText.nullText : Self.escaped(ValueText.text($0)) }
      try output.write("| " + cells.joined(separator: " | ") + " |\n")
    }
  }

  func end() {}
}

/// One object: `{"columns":[{"name","type"}],"rows":[[…]]}`.
final class JSONPrinter: RowPrinter {
  private let output: ByteOutput
  private var isFirst = true

  /// `name` is written first, for one of several tables.
  init(_ output: ByteOutput, schema: StructType, name: String? = nil) throws {
    self.output = output
    if let name { try output.write("{\"name\":\(ValueText.quoted(name)),") } else { try output.write("{") }
    let columns = schema.fields.map { "{\"name\":\(ValueText.quoted($0.name)),\"type\":\"\($0.type)\"}" }
    try output.write("\"columns\":[\(columns.joined(separator: ","))],\"rows\":[")
  }

  func write(_ batch: RecordBatch) throws {
    let columns = batch.columns.map { JSONTokens.tokens($0) }
    for i in 0..<batch.rowCount {
      try output.write(isFirst ? "\n[" : ",\n[")
      isFirst = false
      for (c, column) in columns.enumerated() {
        if c > 0 { try output.write(",") }
        // SAFETY: each column has a token for every row of the batch, and one offset more; columns live to the end.
        let start = unsafe Int(column.offsets.pointer[i])
        unsafe try output.write(UnsafeBufferPointer(start: column.data.pointer + start, count: Int(column.offsets.pointer[i + 1]) - start))
      }
      try output.write("]")
    }
    withExtendedLifetime(columns) {}
  }

  func end() throws { try output.write(isFirst ? "]}\n" : "\n]}\n") }
}
