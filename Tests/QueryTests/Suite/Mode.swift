// Role: the ways in which the whole suite runs. Each must give the same answers; a mode changes how rows reach the operators
// (their batches, their vectors, their source) or how the plan runs.

import Columnar
import DataSource
import Engine
import Expressions
import Foundation
import KConnect
import Testing

enum Mode: String, CaseIterable, Sendable, CustomTestStringConvertible {
  /// As a user has it.
  case standard
  /// Every source gives batches of one row.
  case rows1
  /// Every source gives batches of seven rows.
  case rows7
  /// The plan runs as it was bound.
  case unoptimized
  /// Every vector of a source is dictionary-encoded.
  case dictionary
  /// Every second empty string of a source is null, as files may have it: KQL knows no difference.
  case nulltexts
  /// Sources take every predicate and limit themselves.
  case pushed
  /// Sources refuse every predicate.
  case unpushed
  case oneThread
  /// Every source is written to Parquet and read back.
  case parquet
  /// Every source is a table of a store that was closed and opened again.
  case reopened
  /// Setup and queries go to a server through the HTTP client.
  case http
  /// What KQL can say of a plan is printed and bound again.
  case printed

  var testDescription: String { rawValue }

  /// The modes to run: all, or those named in `KQLTEST_MODE`.
  static let selected: [Mode] = {
    let wanted = ProcessInfo.processInfo.environment["KQLTEST_MODE"] ?? ""
    return allCases.filter { mode in wanted.isEmpty || wanted.split(separator: ",").contains { $0 == mode.rawValue } }
  }()

  var execution: ExecutionOptions {
    var options = ExecutionOptions()
    if self == .unoptimized { options.optimizes = false }
    if self == .oneThread { options.threads = 1 }
    return options
  }

  /// The plan with its sources as this mode wants them.
  func rewrite(_ plan: LogicalPlan, context: EvaluationContext) throws -> LogicalPlan {
    switch self {
    case .standard, .unoptimized, .oneThread, .http: return plan
    case .printed: return try PrintedPlans.roundTrip(plan, context)
    default: break
    }
    let inputs = plan.inputs
    if !inputs.isEmpty { return plan.withInputs(try inputs.map { try rewrite($0, context: context) }) }
    if plan.schema.count == 0 { return plan }
    var batches: [RecordBatch]
    switch plan.node {
    case .values(let rows): batches = rows
    case .range:
      batches = []
      try QueryExecution(plan, options: execution, context: context).run { batches.append($0); return true }
    default: return plan
    }
    let count = batches.reduce(0) { $0 + $1.rowCount }
    switch self {
    case .rows1: return count > 20_000 ? plan : .values(plan.schema, split(batches, 1))
    case .rows7: return .values(plan.schema, split(batches, 7))
    case .dictionary: return .values(plan.schema, batches.map(Self.encoded))
    case .nulltexts: return .values(plan.schema, batches.map(Self.withNullTexts))
    case .pushed: return .scan(SuiteTable(plan.schema, split(batches, 1_000), answer: .exact))
    case .unpushed: return .scan(SuiteTable(plan.schema, split(batches, 1_000), answer: .unsupported))
    case .reopened: return try StoreRoundTrip.read(plan.schema, batches) ?? plan
    case .parquet: return try ParquetRoundTrip.read(plan.schema, batches) ?? plan
    default: return plan
    }
  }

  private func split(_ batches: [RecordBatch], _ rows: Int) -> [RecordBatch] {
    batches.flatMap { batch in
      stride(from: 0, to: batch.rowCount, by: rows).map { batch.slice($0..<min($0 + rows, batch.rowCount)) }
    }
  }

  /// The same rows with null for every second empty string, beginning with the first.
  private static func withNullTexts(_ batch: RecordBatch) -> RecordBatch {
    var seen = 0
    let columns = batch.columns.map { column -> ColumnVector in
      guard column.type == .string else { return column }
      return .of(.string, column.scalars.map { scalar in
        guard scalar == .string("") else { return scalar }
        seen += 1
        return seen % 2 == 1 ? .null(.string) : scalar
      })
    }
    return RecordBatch(schema: batch.schema, columns: columns, rowCount: batch.rowCount)
  }

  /// The same rows with every column as codes into its distinct values.
  private static func encoded(_ batch: RecordBatch) -> RecordBatch {
    let columns = batch.columns.map { column -> ColumnVector in
      var values: [Scalar] = [], codes: [Int32] = []
      var known: [Scalar: Int32] = [:]
      for scalar in column.scalars {
        if scalar.isNull {
          codes.append(0)
        } else if let code = known[scalar] {
          codes.append(code)
        } else {
          known[scalar] = Int32(values.count)
          codes.append(Int32(values.count))
          values.append(scalar)
        }
      }
      return values.isEmpty ? column : .dictionary(codes: Buffer(codes), values: .of(column.type, values), validity: column.validity)
    }
    return RecordBatch(schema: batch.schema, columns: columns, rowCount: batch.rowCount)
  }
}

/// Rows of a source through a Parquet file.
enum ParquetRoundTrip {
  /// A scan of a new file with those rows; nil where Parquet's datetimes cannot hold the values.
  static func read(_ schema: StructType, _ batches: [RecordBatch]) throws -> LogicalPlan? {
    let session = Session()
    let folder = FileManager.default.temporaryDirectory.path + "/kqltest-\(ProcessInfo.processInfo.processIdentifier)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let path = folder + "/\(UUID().uuidString).parquet"
    // The schema as it was: storage hints of the rows' origin say nothing about a file.
    let plan = LogicalPlan.values(StructType(schema.fields.map { StructField($0.name, $0.type) }), batches)
    func trip(_ unit: String) throws -> LogicalPlan {
      let execution = try session.execution(plan)
      _ = try DataFrame(session: session, plan: plan).write.format("parquet").option("timestampUnit", unit).run(execution, path)
      return try session.read.format("parquet").open([path]).plan
    }
    for unit in ["micros", "nanos"] {
      do { return try trip(unit) } catch { guard KConnectError.Code.valueInvalid ~= error else { throw error } }
    }
    return nil
  }
}
