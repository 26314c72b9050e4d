import Columnar
import DataSource
import Engine
import Expressions
import Testing
@Test func debugFilter() throws {
  let plan = try scan(longs("k", (0..<12).map { $0 })).filter(call("!=", column("k"), long(5)))
  print("DBG", firstLongs(try rows(plan)), firstLongs(try rows(plan, options(optimizes: false))))
  print("DBG", try QueryExecution(plan, options: options(), context: testContext).explain(.analyze))
  let p2 = try scan(longs("k", (0..<100).map { $0 }), answer: .inexact).filter(call("<", column("k"), long(50))).limit(7)
  print("DBG", firstLongs(try rows(p2)), firstLongs(try rows(p2, options(optimizes: false))))
  let p3 = try scan(longs("k", (0..<100).map { $0 }), answer: .exact).filter(call("<", column("k"), long(50))).limit(7)
  print("DBG", firstLongs(try rows(p3)), firstLongs(try rows(p3, options(optimizes: false))))
}
