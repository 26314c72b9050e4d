// Role: Python scripts in requests: off by default, confined where they are on, and never a way to the store or to places nobody allowed.

import DataSource
import Foundation
import KustoServer
import PythonPlugin
import Testing

@Suite(.serialized) struct PythonRequestTests {
  private static let python = ProcessInfo.processInfo.environment["KCONNECT_PYTHON"]

  private func service(timeout: Int = 240) throws -> TestService {
    try TestService { configuration in
      var python = PythonSettings()
      python.interpreter = Self.python ?? "python3"
      python.timeoutSeconds = timeout
      configuration.python = python
    }
  }

  @Test func offByDefault() throws {
    let reply = try TestService().ask("print 1 | evaluate python(typeof(*), 'result = df')")
    #expect(reply.status == 400)
    #expect(reply.text.contains("--enable-python"))
  }

  @Test(.enabled(if: python != nil && PythonHost.canConfine, "no KCONNECT_PYTHON, or a kernel that cannot confine programs")) func scriptsOfRequests() throws {
    let test = try service(timeout: 60)
    #expect(test.rows("range x from 1 to 2 step 1 | evaluate python(typeof(*, y: real), 'result = df; result[\"y\"] = df.x / 2')") == "[[1,0.5],[2,1.0]]")
    let secret = test.directory + "/store"
    for script in ["import os; os.listdir(\"\(secret)\")", "open(\"\(secret)/_kconnect/metadata.sqlite\", \"rb\").read()"] {
      let reply = test.ask("print 1 | evaluate python(typeof(*), '\(script)')", "/v1/rest/query")
      #expect(reply.text.contains("PermissionError"), "\(reply.text.prefix(400))")
    }
    let artifact = test.ask("print 1 | evaluate python(typeof(*), 'result = df', external_artifacts = bag_pack('a', '/etc/passwd'))", "/v1/rest/query")
    #expect(artifact.text.contains("--allow-path"), "\(artifact.text.prefix(400))")
    let refused = test.ask("print 1 | evaluate python(typeof(*), 'result = df')", "/v1/rest/query", properties: "{\"Options\":{\"request_sandboxed_execution_disabled\":true}}")
    #expect(refused.status == 400)
    #expect(test.rows("print 1") == "[[1]]")
  }

  @Test(.enabled(if: python != nil && PythonHost.canConfine, "no KCONNECT_PYTHON, or a kernel that cannot confine programs")) func aStoreInsideOfTheInterpreterIsRefused() throws {
    var settings = PythonSettings()
    settings.interpreter = Self.python ?? "python3"
    settings.requiresConfinement = true
    settings.protectedPaths = ["/usr/lib"]
    let error = #expect(throws: KConnectError.self) { try PythonHost(settings).prepare() }
    #expect(error?.code == .configuration)
  }
}
