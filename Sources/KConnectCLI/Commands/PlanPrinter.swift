// Role: prints plans, for `--explain` and `kconnect explain`.

import DataSource
import Engine
import KConnect

enum PlanPrinter {
  /// Prints the plans of all results, one after another.
  static func print(_ results: [KQLResult], mode: ExplainMode, path: String? = nil) throws {
    if results.count > 1, path != nil {
      throw KConnectError(.notSupported, "the text has \(results.count) results; not supported yet: several plans in one file", hint: "explain the queries one by one")
    }
    for result in results { try print(result.frame, mode: mode, path: path) }
  }

  /// Prints the plan of a frame to a file or standard output.
  static func print(_ frame: DataFrame, mode: ExplainMode, path: String? = nil) throws {
    let execution = try frame.session.execution(frame.plan)
    let text = try Interrupt.cancelling(execution) { try execution.explain(mode) }
    let output = try ByteOutput(path: path ?? "-")
    try output.write(text.hasSuffix("\n") ? text : text + "\n")
    try output.finish()
  }
}
