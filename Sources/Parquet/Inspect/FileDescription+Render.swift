// A file description as text for people and as JSON for programs.
import Columnar

extension FileDescription {
  /// Several paragraphs: file, columns, key-value metadata, then one table per row group.
  package var text: String {
    var out = "\(name)\n"
    out += "  \(byteCount) bytes, footer \(footerByteCount) bytes, format \(formatVersion)"
    out += createdBy.map { ", created by \($0)" } ?? ""
    out += "\n  \(rowCount) rows in \(rowGroups.count) row groups, \(columns.count) leaf columns\n\ncolumns\n"
    out += Self.table(
      ["leaf", "physical", "logical", "repetition", "levels", "read as"],
      columns.map { c in
        let levels = "d\(c.maxDefinitionLevel) r\(c.maxRepetitionLevel)"
        return [c.path, c.physicalType, c.logicalType, c.repetition, levels, "\(quotedName(c.field)):\(c.fieldType)"]
      })
    if !groups.isEmpty {
      out += "\ngroups\n" + Self.table(["group", "logical", "repetition"], groups.map { [$0.path, $0.logicalType, $0.repetition] })
    }
    if !keyValues.isEmpty {
      out += "\nkey-value metadata\n"
      for pair in keyValues { out += "  \(pair.key) = \(Self.clipped(pair.value, 120))\n" }
    }
    for (i, group) in rowGroups.enumerated() {
      out += "\nrow group \(i): \(group.rowCount) rows, \(group.compressedByteCount) bytes (\(group.uncompressedByteCount) uncompressed)"
      out += group.sortedBy.isEmpty ? "\n" : ", sorted by \(group.sortedBy.joined(separator: ", "))\n"
      out += Self.table(
        ["leaf", "codec", "encodings", "values", "nulls", "bytes", "uncompressed", "pages", "index", "bloom", "min", "max"],
        group.chunks.map { c in
          let index = (c.hasOffsetIndex ? "o" : "") + (c.hasColumnIndex ? "c" : "")
          return [
            c.path, c.isEncrypted ? "encrypted" : c.codec, c.encodings.joined(separator: " "), "\(c.valueCount)",
            c.nullCount.map { "\($0)" } ?? "", "\(c.compressedByteCount)", "\(c.uncompressedByteCount)",
            c.pageCount.map { "\($0)" } ?? "", index, c.bloomFilterByteCount.map { $0 == 0 ? "yes" : "\($0)" } ?? "",
            c.min.map { Self.clipped($0, 24) } ?? "", c.max.map { Self.clipped($0, 24) } ?? "",
          ]
        })
    }
    return out
  }

  /// One JSON object.
  package var json: String {
    var out = "{"
    out += "\"file\":\(Self.quoted(name)),\"bytes\":\(byteCount),\"footerBytes\":\(footerByteCount),\"formatVersion\":\(formatVersion)"
    out += ",\"createdBy\":\(createdBy.map(Self.quoted) ?? "null"),\"rows\":\(rowCount)"
    out += ",\"columns\":["
    out += columns.map { c in
      "{\"path\":\(Self.quoted(c.path)),\"physicalType\":\(Self.quoted(c.physicalType)),\"logicalType\":\(Self.quoted(c.logicalType))"
        + ",\"repetition\":\(Self.quoted(c.repetition)),\"maxDefinitionLevel\":\(c.maxDefinitionLevel)"
        + ",\"maxRepetitionLevel\":\(c.maxRepetitionLevel),\"field\":\(Self.quoted(c.field)),\"type\":\(Self.quoted(c.fieldType))}"
    }.joined(separator: ",")
    out += "],\"groups\":["
    out += groups.map {
      "{\"path\":\(Self.quoted($0.path)),\"logicalType\":\(Self.quoted($0.logicalType)),\"repetition\":\(Self.quoted($0.repetition))}"
    }.joined(separator: ",")
    out += "],\"metadata\":["
    out += keyValues.map { "{\"key\":\(Self.quoted($0.key)),\"value\":\(Self.quoted($0.value))}" }.joined(separator: ",")
    out += "],\"rowGroups\":[" + rowGroups.map(Self.json).joined(separator: ",") + "]}"
    return out
  }

  private static func json(_ group: RowGroup) -> String {
    var out = "{\"rows\":\(group.rowCount),\"compressedBytes\":\(group.compressedByteCount)"
    out += ",\"uncompressedBytes\":\(group.uncompressedByteCount)"
    out += ",\"sortedBy\":[\(group.sortedBy.map(quoted).joined(separator: ","))],\"columns\":["
    out += group.chunks.map(json).joined(separator: ",")
    return out + "]}"
  }

  private static func json(_ chunk: Chunk) -> String {
    func number(_ value: Int?) -> String { value.map { "\($0)" } ?? "null" }
    var out = "{\"path\":\(quoted(chunk.path)),\"codec\":\(quoted(chunk.codec))"
    out += ",\"encodings\":[\(chunk.encodings.map(quoted).joined(separator: ","))]"
    out += ",\"values\":\(chunk.valueCount),\"nulls\":\(number(chunk.nullCount)),\"distinct\":\(number(chunk.distinctCount))"
    out += ",\"compressedBytes\":\(chunk.compressedByteCount),\"uncompressedBytes\":\(chunk.uncompressedByteCount)"
    out += ",\"min\":\(chunk.min.map(quoted) ?? "null"),\"max\":\(chunk.max.map(quoted) ?? "null")"
    out += ",\"dataPageOffset\":\(chunk.dataPageOffset),\"dictionaryPageOffset\":\(number(chunk.dictionaryPageOffset))"
    out += ",\"pages\":\(number(chunk.pageCount)),\"offsetIndex\":\(chunk.hasOffsetIndex),\"columnIndex\":\(chunk.hasColumnIndex)"
    out += ",\"bloomFilterBytes\":\(number(chunk.bloomFilterByteCount)),\"encrypted\":\(chunk.isEncrypted)}"
    return out
  }

  /// Columns padded to their widest cell, two spaces apart.
  private static func table(_ header: [String], _ rows: [[String]]) -> String {
    let lines = [header] + rows
    let widths = header.indices.map { i in lines.map { $0[i].count }.max() ?? 0 }
    return lines.map { line in
      var text = "  "
      for (i, cell) in line.enumerated() {
        text += cell
        if i + 1 < line.count { text += String(repeating: " ", count: widths[i] - cell.count + 2) }
      }
      while text.last == " " { text.removeLast() }
      return text + "\n"
    }.joined()
  }

  private static func clipped(_ text: String, _ limit: Int) -> String {
    let line = String(text.map { $0.isNewline ? " " : $0 })
    return line.count <= limit ? line : "\(line.prefix(limit))…"
  }

  /// A JSON string.
  // SAFETY: `string` copies the text, which lives for the call; `out` is not released before its bytes are copied.
  private static func quoted(_ text: String) -> String {
    let out = BufferBuilder<UInt8>()
    var text = text
    text.withUTF8 { unsafe DynamicPrinter.string($0, out) }
    return unsafe String(decoding: UnsafeBufferPointer(start: UnsafePointer(out.pointer), count: out.count), as: UTF8.self)
  }
}
