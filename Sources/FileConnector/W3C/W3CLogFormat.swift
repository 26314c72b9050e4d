// Role: log files of web servers as a `FileFormat` that is read only: ingestion takes them. The fields stand in a directive of the file, records are
// read as delimited text, and each field is a text of which `-` is none.
// Source: W3C working draft, "Extended Log File Format".

import CSV
package import Columnar
package import DataSource

/// Log files in W3C's extended format.
package struct W3CLogFormat: FileFormat {
  package init() {}

  package var shortName: String { "w3clogfile" }
  package var aliases: [String] { [] }
  package var summary: String { "Log files of web servers in W3C's extended format." }
  package var fileExtensions: [String] { [".log"] }
  package var schemaFidelity: SchemaFidelity { .typed }
  package var options: [OptionSpec] { [] }

  private static let declared = OptionIndex(CSVOptionSpecs.specs)
  private static let given = [("sep", " "), ("comment", "#"), ("nullValue", "-"), ("header", "false"), ("mode", "FAILBROKEN")]

  package func open(_ file: InputFile, schema: StructType?, isGuessed: Bool, options: DataSourceOptions) throws -> any BatchReadable {
    guard file.size != nil else { throw KConnectError(.notSupported, "not supported: log files in W3C's format that can be read only once") }
    var settings = try CSVReadSettings(DataSourceOptions(source: "csv", declared: Self.declared, given: Self.given, use: .read), path: file.path)
    let directive = try FieldsDirective(of: file, compression: settings.compression)
    if directive.usesTabs { settings.dialect.separator = UInt8(ascii: "\t") }
    return try CSVTable(file, schema: StructType(directive.names.map { StructField($0, .string) }), isGuessed: false, settings: settings)
  }

  package func makeWriter(_ file: OutputFile, schema: StructType, options: DataSourceOptions) throws -> any FileWriter {
    throw KConnectError(.notSupported, "not supported: writing log files in W3C's format", hint: "write csv")
  }
}
