// All diagnostics of a text, parsed and bound, for editors and tests that want every place and not one error.

/// Checks a text without keeping its plan.
package enum KQLChecker {
  /// Every diagnostic in text order; warnings included.
  package static func diagnostics(_ text: String, catalog: any KQLCatalog, options: BindOptions) -> [KQLDiagnostic] {
    let parsed = KQLParser.parse(text)
    guard parsed.isValid else { return parsed.diagnostics }
    let binder = Binder(catalog: catalog, options: options)
    _ = try? binder.bind(parsed.query)
    return (parsed.diagnostics + binder.diagnostics).sorted { $0.span.start < $1.span.start }
  }
}
