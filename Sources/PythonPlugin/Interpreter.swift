// Role: the Python interpreter: where it is, which packages it has, which directories a script must be able to read to import them.

import Columnar
import DataSource

#if canImport(Glibc)
import Glibc
#endif

/// An interpreter that was asked about itself.
struct Interpreter: Sendable {
  /// The program itself, behind whatever script or link leads to it.
  let executable: String
  /// What it needs to start and to import: its own directories and those of the system's libraries.
  let readable: [String]

  private static let question = """
    import importlib.util, json, os, sys, sysconfig
    paths = [sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.realpath(sys.executable)] + [p for p in sys.path if p] + list(sysconfig.get_paths().values())
    packages = {n: importlib.util.find_spec(n) is not None for n in ("pandas", "pyarrow", "numpy")}
    text = json.dumps({"executable": sys.executable, "version": list(sys.version_info[:3]), "paths": sorted({os.path.realpath(p) for p in paths}), "packages": packages})
    os.write(5, text.encode())
    """

  private static let system = [
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo", "/etc/ld.so.cache", "/etc/localtime", "/proc/cpuinfo",
    "/proc/meminfo", "/proc/stat", "/sys/devices/system", "/sys/fs/cgroup",
  ]

  /// Asks the interpreter `name`. Throws CONFIGURATION.
  static func find(_ name: String) throws -> Interpreter {
    guard let program = path(of: name) else {
      throw KConnectError(.configuration, "there is no Python interpreter '\(name)'", hint: "install Python 3 with pandas and pyarrow, or name one with --python PATH")
    }
    let plan = ScriptPlan(program: program, arguments: [program, "-I", "-B", "-c", question], environment: Self.environment, directory: "/")
    let outcome = try ScriptProcess.run(plan, timeoutSeconds: 60) {}
    guard outcome.status == 0, let answer = try? DynamicValue(parsing: String(decoding: outcome.report, as: UTF8.self)), case .string(let executable)? = answer["executable"] else {
      let said = outcome.errorText
      throw KConnectError(.configuration, "'\(program)' is no Python interpreter that works\(said.isEmpty ? "" : ": \(said)")", hint: "try: \(program) -I -c 'import pandas, pyarrow'")
    }
    for package in ["pandas", "pyarrow"] where answer["packages"]?[package] != .bool(true) {
      throw KConnectError(.configuration, "the Python interpreter '\(program)' has no package '\(package)'", hint: "install pandas and pyarrow for it, or name another with --python PATH")
    }
    var paths: [String] = []
    if case .array(let items)? = answer["paths"] { for case .string(let path) in items { paths.append(path) } }
    return Interpreter(executable: executable, readable: paths + system)
  }

  /// Throws CONFIGURATION when scripts, which may read the interpreter's directories, could so read one of these.
  func check(protected: [String]) throws {
    for path in protected.map({ resolvedPath($0) }) {
      guard let shown = readable.first(where: { path == $0 || path.hasPrefix($0 == "/" ? "/" : $0 + "/") }) else { continue }
      throw KConnectError(
        .configuration, "'\(path)' lies below '\(shown)', which Python scripts may read", hint: "keep the store outside of the directories of the Python interpreter, or name another with --python PATH")
    }
  }

  /// A program by path, or by name on PATH.
  private static func path(of name: String) -> String? {
    if name.contains("/") { return pathKind(name) == .file ? resolvedParent(name) : nil }
    // SAFETY: getenv answers nil or a text that ends with 0, which is copied at once.
    let search = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/bin:/bin"
    for directory in search.split(separator: ":") {
      let path = joinPath(String(directory), name)
      // SAFETY: the text lives for the call.
      if pathKind(path) == .file, unsafe access(path, X_OK) == 0 { return resolvedParent(path) }
    }
    return nil
  }

  /// The path made absolute without following the last link: a virtual environment is known by its link.
  private static func resolvedParent(_ path: String) -> String { joinPath(resolvedPath(parentPath(path)), lastPathComponent(path)) }

  /// The environment of this program: what stands on PATH may be a script that needs it.
  private static var environment: [String] {
    var out: [String] = []
    // SAFETY: the list ends with nil, its texts with 0; nothing changes the environment once commands run.
    var next: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = unsafe environ
    while let entry = unsafe next.pointee {
      unsafe out.append(String(cString: entry))
      unsafe next += 1
    }
    return out
  }
}
