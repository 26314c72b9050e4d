// evaluate python(output_schema, script, [script_parameters], [external_artifacts], [spill_to_disk]).
// Source: Kusto language reference, "Python plugin"; the hints: "evaluate plugin operator".

import Columnar
import DataSource
import Engine
import Expressions

extension Binder {
  private static let pythonParameters = ["output_schema", "script", "script_parameters", "external_artifacts", "spill_to_disk"]

  func python(_ plugin: PluginCall, _ step: TabularOperator) throws(BindFailure) -> LogicalPlan {
    try expectNames(plugin, Self.pythonParameters)
    if let schema = plugin.schema { try fail(.valueNotAllowed, "'python' takes its columns as its first argument", at: schema.span, hint: "write: evaluate python(typeof(*, x: real), ...)") }
    let hints = try pythonHints(step, plugin.input.plan.schema)
    let arguments = try pythonArguments(plugin)
    guard let schemaArgument = arguments["output_schema"], let scriptArgument = arguments["script"] else {
      try argumentCount("python", plugin.arguments.count, "2 to 5 arguments", plugin.span)
    }
    guard case .schemaOf(let schema) = schemaArgument.kind else {
      try fail(.typeExpected, "the first argument of 'python' is the schema of its result", at: schemaArgument.span, hint: "as in typeof(*, x: real)")
    }
    var names: Set<String> = []
    for column in schema.columns where !names.insert(column.name.text).inserted {
      try fail(.duplicateColumn, "column '\(column.name.text)' is declared twice", at: column.span)
    }
    guard case .string(let script) = try constant(scriptArgument, as: .string) else { try fail(.typeExpected, "the script is a string", at: scriptArgument.span) }
    var artifacts: [ScriptCall.Artifact] = []
    if let argument = arguments["external_artifacts"], case .bag(let entries) = try bag(argument) {
      artifacts = try each(entries) { entry throws(BindFailure) in
        guard case .string(let address) = entry.value, !address.isEmpty else { try self.fail(.valueNotAllowed, "the artifact '\(entry.key)' has no address", at: argument.span) }
        guard !entry.key.isEmpty, entry.key != ".", entry.key != "..", !entry.key.contains("/"), !entry.key.utf8.contains(0), entry.key.utf8.count <= 255 else {
          try self.fail(.valueNotAllowed, "'\(entry.key.prefix(80))' is no file name", at: argument.span)
        }
        return ScriptCall.Artifact(name: entry.key, address: address)
      }
    }
    var parameters = DynamicValue.bag([])
    if let argument = arguments["script_parameters"] { parameters = try bag(argument) }
    var usesDisk = true
    if let argument = arguments["spill_to_disk"] { usesDisk = try flag(argument) }
    let call = ScriptCall(
      keepsInput: schema.acceptsAny, columns: schema.columns.map { StructField($0.name.text, DataType($0.type.type)) }, script: script,
      arguments: parameters, artifacts: artifacts, usesDisk: usesDisk, isDistributable: hints.isDistributable, filterColumns: hints.filterColumns)
    if isOn("request_sandboxed_execution_disabled") {
      try fail(.notSupported, "the plugin 'python' runs code in a sandbox, which the option request_sandboxed_execution_disabled forbids", at: plugin.span)
    }
    if !artifacts.isEmpty, isOn("request_callout_disabled") {
      try fail(.notSupported, "the artifacts of the plugin 'python' are fetched, which the option request_callout_disabled forbids", at: plugin.span)
    }
    return try make(plugin) {
      guard let host = options.execution.scripts else {
        throw KConnectError(.notSupported, "the plugin 'python' is off: scripts run only where that was allowed", hint: "start kconnect (or kconnect serve) with --enable-python")
      }
      return try .custom(host.tableOperator(call), [plugin.input.plan])
    }
  }

  /// Whether the script may run over parts of the rows, and which filters may run before it. `hint.remote` has nothing to choose: scripts run
  /// where this text does.
  private func pythonHints(_ step: TabularOperator, _ input: StructType) throws(BindFailure) -> (isDistributable: Bool, filterColumns: Set<String>) {
    var isDistributable = false
    var filterColumns: Set<String> = []
    for parameter in step.parameters {
      let word: String? = if case .name(let name) = parameter.value { name.text } else { Self.word(step, parameter.name.text) }
      switch (parameter.name.text, word) {
      case ("hint.distribution", "single"): isDistributable = false
      case ("hint.distribution", "per_node"): isDistributable = true
      case ("hint.remote", "auto"), ("hint.remote", "local"), ("hint.pass_filters", "false"): break
      case ("hint.pass_filters", "true"): filterColumns.formUnion(input.names)
      case ("hint.pass_filters_column", let name?):
        guard input.index(of: name) != nil else { try fail(.unknownName, "column '\(name)' not found", at: parameter.span, hint: NameSuggestion.hint(for: name, among: input.names)) }
        filterColumns.insert(name)
      default:
        let values = ["hint.distribution": "single or per_node", "hint.remote": "auto or local", "hint.pass_filters": "true or false", "hint.pass_filters_column": "a column"]
        if let value = values[parameter.name.text] { try fail(.valueNotAllowed, "\(parameter.name.text) is \(value)", at: parameter.span) }
        try fail(.unknownParameter, "'python' has no parameter '\(parameter.name.text)'", at: parameter.span, hint: NameSuggestion.hint(for: parameter.name.text, among: values.keys.sorted()))
      }
    }
    return (isDistributable, filterColumns)
  }

  /// The arguments by parameter: those without a name in order, then those with one.
  private func pythonArguments(_ plugin: PluginCall) throws(BindFailure) -> [String: Expression] {
    var found: [String: Expression] = [:]
    for (i, argument) in plugin.arguments.enumerated() {
      let given = argument.names.first
      guard let name = given.map({ $0.text.lowercased() }) ?? (i < Self.pythonParameters.count ? Self.pythonParameters[i] : nil) else {
        try argumentCount("python", plugin.arguments.count, "2 to 5 arguments", plugin.span)
      }
      if given == nil, plugin.arguments[..<i].contains(where: { !$0.names.isEmpty }) { try fail(.namedArgument, "an argument without a name follows one with a name", at: argument.value.span) }
      guard found.updateValue(argument.value, forKey: name) == nil else { try fail(.namedArgument, "the argument '\(name)' is given twice", at: argument.value.span) }
    }
    return found
  }

  private func bag(_ argument: Expression) throws(BindFailure) -> DynamicValue {
    switch try constant(argument) {
    case .dynamic(.bag(let entries)): return .bag(entries)
    case .dynamic(.null), .null: return .bag([])
    case let other: try fail(.typeExpected, "a property bag is needed here, found \(other.type)", at: argument.span, hint: "as in bag_pack('gain', 100)")
    }
  }
}
