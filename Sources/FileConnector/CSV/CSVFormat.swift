// Role: CSV and its relatives (tab, pipe separated) as a file format.

package import Columnar
package import DataSource

/// Delimited text.
package struct CSVFormat: FileFormat {
  package init() {}

  package var shortName: String { "csv" }
  package var aliases: [String] { ["com.databricks.spark.csv", "org.apache.spark.sql.execution.datasources.csv.CSVFileFormat", "tsv", "psv"] }
  package var summary: String { "Delimited text: RFC 4180 with Spark's options, .gz and .zst included" }
  package var fileExtensions: [String] { [".csv", ".tsv", ".psv", ".tab"] }
  package var options: [OptionSpec] { CSVOptionSpecs.specs }
  package var schemaFidelity: SchemaFidelity { .positional }

  package func open(_ file: InputFile, schema: StructType?, isGuessed: Bool, options: DataSourceOptions) throws -> any BatchReadable {
    try CSVTable(file, schema: schema, isGuessed: isGuessed, settings: try CSVReadSettings(options, path: file.path))
  }

  package func makeWriter(_ file: OutputFile, schema: StructType, options: DataSourceOptions) throws -> any FileWriter {
    try CSVFileWriter(file, schema: schema, options: options)
  }
}
