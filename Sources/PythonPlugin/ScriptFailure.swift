// Role: what went wrong with a script, in words for whoever wrote it.

import Columnar
import DataSource

#if canImport(Glibc)
import Glibc
#endif

enum ScriptFailure {
  /// The error of a run; nil when the script has given its rows.
  static func error(_ outcome: ScriptOutcome, _ settings: PythonSettings, confined: Bool) -> KConnectError? {
    let size = "\(settings.memoryBytes >> 20) MB"
    if outcome.tookTooLong || outcome.signal == SIGXCPU {
      return KConnectError(.valueInvalid, "the Python script ran longer than \(settings.timeoutSeconds) s and was ended", hint: "give it fewer rows, or more time with --python-timeout")
    }
    if outcome.filledDisk {
      return KConnectError(.valueInvalid, "the Python script wrote files of more than \(size) and was ended", hint: "--python-memory sets how much it may write")
    }
    guard let report = try? DynamicValue(parsing: String(decoding: outcome.report, as: UTF8.self)), case .string(let stage)? = report["stage"] else {
      let said = outcome.errorText.isEmpty ? "" : ": \(outcome.errorText)"
      if let status = outcome.status {
        return KConnectError(.valueInvalid, "the Python script ended the interpreter with status \(status), before it gave a result\(said)", hint: memoryHint(said, size))
      }
      return KConnectError(.valueInvalid, "the Python script was ended by signal \(outcome.signal)\(said)", hint: memoryHint(said, size))
    }
    if stage == "done" { return nil }
    let message: String = if case .string(let text)? = report["message"] { text } else { "no message" }
    if report["memory"] == .bool(true) {
      return KConnectError(.lowMemory, "the Python script\(place(report)) needs more than its \(size) of memory: \(message)", hint: "give it fewer rows or columns, or more memory with --python-memory")
    }
    switch stage {
    case "input": return KConnectError(.valueInvalid, "the rows for the Python script: \(message)")
    case "script":
      var error = KConnectError(.valueInvalid, "the Python script failed\(place(report)): \(message)")
      if case .string(let line)? = report["source"], !line.isEmpty { error.excerpt = "  \(line)" }
      if report["permission"] == .bool(true), confined {
        error.hint = "scripts run confined: no files outside of their directory, no network, no other processes; files come with external_artifacts"
      }
      return error
    case "result" where report["large"] == .bool(true):
      return KConnectError(.valueInvalid, "the result of the Python script is larger than \(size)", hint: "--python-memory sets the limit")
    default: return KConnectError(.valueInvalid, "the result of the Python script: \(message)")
    }
  }

  private static func place(_ report: DynamicValue) -> String {
    guard case .long(let line)? = report["line"], line > 0 else { return "" }
    return " in line \(line)"
  }

  private static func memoryHint(_ said: String, _ size: String) -> String? {
    said.lowercased().contains("memory") || said.contains("alloc") ? "it may use \(size); --python-memory sets the limit" : nil
  }
}
