// Role: who asks and where: functions whose values are those of the process. A local engine has no directory of users: the principal is the
// user the process runs as. Source: Kusto "current_principal()", "current_cluster_endpoint()".

import Columnar

#if canImport(Glibc)
import Glibc
#endif

/// The user of the process as a principal: `localuser=NAME`.
private let principal: String = "localuser=\(userName)"

private let userName: String = {
  // SAFETY: the entry is read before anyone else asks for one: the value is made once, under the lock of its initialisation.
  if let entry = unsafe getpwuid(geteuid()), let name = unsafe entry.pointee.pw_name { return unsafe String(cString: name) }
  return "\(geteuid())"
}()

private let hostName: String = {
  var name = utsname()
  guard unsafe uname(&name) == 0 else { return "localhost" }
  return unsafe withUnsafeBytes(of: name.nodename) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}()

private func constant(_ name: String, _ type: DataType, _ summary: String, _ value: @escaping @Sendable () -> Scalar) -> FunctionSpec {
  FunctionSpec(name, .session, 0...0, parameters: "", summary, example: "\(name)()") { _ in
    let value = value()
    return BoundFunction(type, []) { _, n in .constant(value, count: n) }
  }
}

let sessionFunctions: [FunctionSpec] = [
  constant("current_principal", .string, "The principal the query runs as: the user of the process.") { .string(principal) },
  constant("current_principal_details", .dynamic, "The principal the query runs as, with its kind and name, as a bag.") {
    let fields: [(String, DynamicValue)] = [
      ("UserPrincipalName", .string(userName)), ("IdentityProvider", .string("local")), ("Authority", .string(hostName)), ("Mfa", .string("False")),
      ("Type", .string("LocalUser")), ("DisplayName", .string(userName)), ("ObjectId", .string(userName)), ("FQN", .string(principal)), ("Notes", .null),
    ]
    return .dynamic(.bag(fields.map { DynamicEntry($0.0, $0.1) }))
  },
  constant("current_cluster_endpoint", .string, "The name of the machine the query runs on.") { .string(hostName) },
  constant("current_node_id", .string, "The name of the machine the query runs on.") { .string(hostName) },
  FunctionSpec(
    "current_principal_is_member_of", .session, 1...FunctionSpec.unbounded, parameters: "principal, …", "True when one of the principals is the one the query runs as.",
    example: "current_principal_is_member_of('aaduser=user1@fabrikam.com')"
  ) { call in
    var names: [String] = []
    for (i, constant) in call.constants.enumerated() {
      if case .dynamic(.array(let items)) = constant {
        names += items.compactMap { if case .string(let text) = $0 { text } else { nil } }
      } else {
        names.append(try call.constantText(i, "a principal"))
      }
    }
    let isMember = names.contains(principal)
    return BoundFunction(.bool, call.types) { _, n in .constant(.bool(isMember), count: n) }
  },
]
