// Role: `evaluate python(...)` as an operator of a plan: rows go into a file, the script runs once, its rows are read back batch by batch.

import Columnar
import DataSource
import Engine
import Expressions

struct PythonOperator: TableOperator {
  private let call: ScriptCall
  private let host: PythonHost

  init(_ call: ScriptCall, _ host: PythonHost) {
    self.call = call
    self.host = host
  }

  var name: String { "Python" }
  var detail: String {
    let first = call.script.split(separator: "\n").map { $0.drop { $0 == " " || $0 == "\t" } }.first { !$0.isEmpty && $0 != "if 1:" } ?? ""
    return "\(first.prefix(60))\(call.isDistributable ? ", per_node" : "")"
  }

  func outputSchema(_ inputs: [StructType]) throws -> StructType { call.outputSchema(inputs[0]) }
  func filterableColumns(_ inputs: [StructType]) -> Set<String> { call.filterColumns.intersection(inputs[0].names) }
  var needsOrder: Bool { !call.isDistributable }

  func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution {
    .ordered(PythonRun(call, host, input: inputs[0], output: output, context))
  }
}

/// One run. Used by one thread at a time.
private final class PythonRun: OrderedTransform {
  private let call: ScriptCall
  private let host: PythonHost
  private let input: StructType
  private let output: StructType
  private let context: TableOperatorContext
  private var place: Workplace?
  private var writer: WireWriter?
  private var reader: WireReader?

  init(_ call: ScriptCall, _ host: PythonHost, input: StructType, output: StructType, _ context: TableOperatorContext) {
    self.call = call
    self.host = host
    self.input = input
    self.output = output
    self.context = context
  }

  func consume(_ batch: RecordBatch, input: Int, _ emit: (RecordBatch) -> Void) throws -> Bool {
    let (place, writer) = try opened()
    try writer.append(batch)
    try context.hold(writer.pendingBytes + (call.usesDisk ? 0 : place.tableBytes))
    return true
  }

  func finish() throws -> RecordBatch? {
    if let reader { return try reader.next() }
    let (place, writer) = try opened()
    try writer.finish()
    self.writer = nil
    try run(in: place)
    let reader = try WireReader(output, path: place.resultPath)
    // The file that the reader has open is all that is left of it.
    self.place = nil
    self.reader = reader
    try context.hold(0)
    return try reader.next()
  }

  private func opened() throws -> (Workplace, WireWriter) {
    // Whether scripts run at all is known before rows are written.
    _ = try host.interpreter()
    let place = try self.place ?? Workplace(in: host.settings.temporaryDirectory, usesDisk: call.usesDisk)
    self.place = place
    let writer = try self.writer ?? WireWriter(input, to: place.table)
    self.writer = writer
    return (place, writer)
  }

  private func run(in place: Workplace) throws {
    let settings = host.settings
    let interpreter = try host.interpreter()
    for artifact in call.artifacts {
      try settings.checkArtifact(artifact.address.contains("://") ? String(artifact.address.prefix { $0 != ";" }) : artifact.address)
      try place.add(artifact, limit: settings.memoryBytes)
    }
    try place.ready(job)
    let threads = context.parallelism
    var plan = ScriptPlan(
      program: interpreter.executable, arguments: [interpreter.executable, "-I", "-B", "-X", "utf8", "-c", PythonHost.harness],
      environment: Self.environment(place.directory, threads: threads), directory: place.directory)
    plan.readable = interpreter.readable
    plan.input = place.job
    plan.table = place.table
    plan.result = place.result
    plan.memory = settings.memoryBytes
    plan.disk = settings.memoryBytes
    plan.cpuSeconds = settings.timeoutSeconds * (threads + 1)
    plan.confines = PythonHost.canConfine
    let outcome = try context.whileWaiting {
      try host.whenFree({ try context.check() }) { try ScriptProcess.run(plan, timeoutSeconds: settings.timeoutSeconds) { try context.check() } }
    }
    if let error = ScriptFailure.error(outcome, settings, confined: plan.confines) { throw error }
  }

  private var job: DynamicValue {
    func columns(_ schema: StructType) -> DynamicValue { .array(schema.fields.map { .array([.string($0.name), .string($0.type.rawValue)]) }) }
    return .bag([
      DynamicEntry("input", columns(input)), DynamicEntry("output", columns(output)),
      DynamicEntry("recorded", .string(WireColumns.schema(output).description)),
      DynamicEntry("script", .string(call.script)), DynamicEntry("kargs", call.arguments),
    ])
  }

  /// Nothing of this program's environment: it may hold secrets.
  private static func environment(_ directory: String, threads: Int) -> [String] {
    let count = String(threads)
    return [
      "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "TZ=UTC", "HOME=\(directory)", "TMPDIR=\(directory)", "MPLCONFIGDIR=\(directory)",
      "OMP_NUM_THREADS=\(count)", "OPENBLAS_NUM_THREADS=\(count)", "MKL_NUM_THREADS=\(count)", "ARROW_NUM_THREADS=\(count)",
      // Address space is what the memory limit counts.
      "MALLOC_ARENA_MAX=2", "ARROW_DEFAULT_MEMORY_POOL=system",
    ]
  }
}
