// Role: `kconnect inspect`: the layout of a Parquet file.

import ArgumentParser
import DataSource
import FileConnector
import KConnect
import Parquet

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Shows how a Parquet file is laid out (row groups, columns, encodings, sizes, statistics, indexes), or a Delta table's versions and files.")

  @Argument(help: "A Parquet file, or a Delta table: delta:PATH.", completion: .file())
  var file: String
  @Option(name: .shortAndLong, help: ArgumentHelp("text or json.", valueName: "form"), completion: .list(["text", "json"]))
  var format = "text"

  func run() throws {
    guard ["text", "json"].contains(format.lowercased()) else {
      throw KConnectError(.usage, "--format: unknown form '\(format)'", hint: "forms: text, json")
    }
    if let table = DeltaInspection.table(file) {
      let output = try ByteOutput(standardOutput: ())
      try output.write(try DeltaInspection(table).text(form: format.lowercased()))
      try output.finish()
      return
    }
    let path = file.hasPrefix("parquet:") ? String(file.dropFirst(8)) : file
    // Opened once by the connector, whose errors say what a path is or lacks.
    let input = try InputFile(path: path)
    guard input.size != nil, path != "-" else {
      throw KConnectError(.usage, "'\(path)' is not a regular file", hint: "inspect reads a file's footer; give one file")
    }
    let description: FileDescription
    do {
      description = try ParquetFile(FileDescriptorSource(path: path)).describe()
    } catch {
      let code: KConnectError.Code = switch error.kind {
      case .corrupt: .formatCorrupt
      case .notSupported: .notSupported
      case .io: .io
      case .inexact, .invalidRequest: .valueInvalid
      }
      let text = error.description
      throw KConnectError(code, text.contains(path) ? text : "'\(path)': \(text)", hint: code == .formatCorrupt ? "is it a complete Parquet file?" : nil, cause: error)
    }
    let output = try ByteOutput(standardOutput: ())
    let text = format.lowercased() == "json" ? description.json : description.text
    try output.write(text.hasSuffix("\n") ? text : text + "\n")
    try output.finish()
  }
}
