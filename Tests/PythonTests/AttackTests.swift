// Role: scripts that want more than they may have: each is refused or ended, and the next query is answered.

import Engine
import Foundation
import KConnect
import PythonPlugin
import Synchronization
import Testing

@Suite(.serialized, needsPython, .enabled(if: PythonHost.canConfine, "this kernel has no Landlock or no seccomp filters")) struct AttackTests {
  struct Attack: Sendable, CustomTestStringConvertible {
    var name: String
    var script: String
    var said: String
    var code = KConnectError.Code.valueInvalid
    var settings: [String: String] = [:]
    var testDescription: String { name }
  }

  static let attacks: [Attack] = [
    Attack(name: "lists the root", script: "import os\nos.listdir('/')", said: "PermissionError"),
    Attack(name: "reads passwords", script: "open('/etc/passwd').read()", said: "PermissionError"),
    Attack(name: "reads its parent's environment", script: "import os\nopen('/proc/%d/environ' % os.getppid()).read()", said: "PermissionError"),
    Attack(name: "writes elsewhere", script: "open('/tmp/kconnect-script', 'w')", said: "PermissionError"),
    Attack(name: "shared memory", script: "open('/dev/shm/kconnect-script', 'w')", said: "PermissionError"),
    Attack(name: "changes a mode", script: "import os\nos.chmod('/tmp', 0o777)", said: "PermissionError"),
    Attack(name: "forks", script: "import os\nwhile True: os.fork()", said: "PermissionError"),
    Attack(name: "starts a program", script: "import subprocess\nsubprocess.run(['/bin/ls'])", said: "PermissionError"),
    Attack(name: "opens a socket", script: "import socket\nsocket.create_connection(('127.0.0.1', 80))", said: "PermissionError"),
    Attack(name: "kills its parent", script: "import os\nos.kill(os.getppid(), 9)", said: "PermissionError"),
    Attack(name: "lifts its limits", script: "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))", said: "line 2"),
    Attack(name: "limits its parent", script: "import os, resource\nresource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (3, 3))", said: "PermissionError"),
    Attack(name: "allocates 100 GB", script: "x = bytearray(100 << 30)", said: "memory", code: .lowMemory),
    Attack(name: "memory outside of its limit", script: "import os\nos.memfd_create('x')", said: "PermissionError"),
    Attack(name: "ends the interpreter", script: "import os\nos._exit(3)", said: "status 3"),
    Attack(name: "exits", script: "import sys\nsys.exit(3)", said: "exit(3)"),
    Attack(name: "crashes", script: "import ctypes\nctypes.string_at(0)", said: "signal 11"),
    Attack(name: "sleeps for ever", script: "import time\ntime.sleep(1e6)", said: "longer than 3 s", settings: ["pythonTimeout": "3"]),
    Attack(name: "computes for ever", script: "while True: pass", said: "longer than 3 s", settings: ["pythonTimeout": "3"]),
    Attack(name: "a huge result", script: "import os\nwhile True: os.write(4, b'x' * (1 << 20))", said: "File too large", settings: ["pythonMemory": "1300m"]),
    Attack(name: "fills the disk", script: "import os\nfor i in range(100):\n  with open('f%d' % i, 'wb') as f:\n    f.write(os.urandom(40 << 20))\n    f.flush()\n    os.remove(f.name) if i % 2 else None\nimport time\ntime.sleep(100)", said: "wrote files", settings: ["pythonMemory": "1300m", "pythonTimeout": "120"]),
    Attack(name: "no result but a report of its own", script: "import os\nos.write(5, b'{\"stage\": \"done\"}')\nos._exit(0)", said: "too short", code: .formatCorrupt),
    Attack(name: "a result of its own making", script: "import os\nos.write(4, b'PAR1' + b'\\xff' * 64 + b'PAR1')\nos.write(5, b'{\"stage\": \"done\"}')\nos._exit(0)", said: "corrupt Parquet", code: .formatCorrupt),
    Attack(name: "deep JSON as its report", script: "import os\nos.write(5, b'[' * 500000)\nos._exit(0)", said: "status 0"),
    Attack(name: "another schema", script: "import pyarrow as pa, pyarrow.parquet as pq, os\npq.write_table(pa.table({'y': ['a']}), '/proc/self/fd/4') if False else None\nwith os.fdopen(4, 'wb') as f: pq.write_table(pa.table({'y': ['a']}), f)\nos.write(5, b'{\"stage\": \"done\"}')\nos._exit(0)", said: "gave the columns"),
  ]

  @Test(arguments: attacks) func isRefused(_ attack: Attack) async throws {
    let error = try #require(await failure("print x = 1 | evaluate python(typeof(*), \(literal(attack.script)))", attack.settings))
    #expect(error.message.contains(attack.said), "\(error)")
    #expect(error.code == attack.code, "\(error)")
  }

  @Test func readsNoSecrets() async throws {
    setenv("KCONNECT_SECRET_OF_TESTS", "hunter2", 1)
    defer { unsetenv("KCONNECT_SECRET_OF_TESTS") }
    let found = try await rows("print 1 | evaluate python(typeof(n: string), \(literal("import os\nresult = pd.DataFrame({'n': [k for k, v in os.environ.items() if 'hunter' in v]}, columns=['n'])")))")
    #expect(found == [])
  }

  @Test func readsNoStore() async throws {
    let place = Place()
    let query = "print 1 | evaluate python(typeof(n: string), \(literal("result = pd.DataFrame({'n': [open('\(place.path)/secret.txt').read()]})")))"
    place.write("secret.txt", "rows of others")
    let error = try #require(await failure(query))
    #expect(error.message.contains("Permission denied") && error.hint?.contains("external_artifacts") == true)
  }

  @Test func cancellationEndsTheScript() async throws {
    let place = Place()
    let spark = try await session(["pythonTimeout": "600", "spillDirectory": place.path])
    let frame = try spark.kql("print 1 | evaluate python(typeof(n: long), \(literal("import time\ntime.sleep(1e6)")))")
    let run = try spark.execution(frame.plan)
    let hasEnded = Ended()
    let task = Task.detached { () -> KConnectError? in
      defer { hasEnded.flag.store(true, ordering: .relaxed) }
      do {
        try run.run { _ in true }
        return nil
      } catch { return error as? KConnectError }
    }
    while try place.scripts() == 0 && !hasEnded.flag.load(ordering: .relaxed) { await Task.yield() }
    run.cancel()
    #expect(await task.value?.code == .cancelled)
    #expect(try place.scripts() == 0)
  }
}

private final class Ended: Sendable {
  let flag = Atomic(false)
}
