// Graph operators: matching by direction and length, conditions on paths, cycles, shortest paths, components, and errors of patterns.
// Source of semantics: Kusto language reference, "Graph operators".

import Columnar
import DataSource
import Engine
import KQL
import Testing

/// A triangle a -> b -> c -> a with a tail c -> d and a loop on d.
private let graph = """
  let N = datatable(id: string, kind: string, age: long)['a', 'x', 1, 'b', 'y', 2, 'c', 'x', 3];
  let E = datatable(s: string, t: string, w: long)['a', 'b', 1, 'b', 'c', 2, 'c', 'a', 3, 'c', 'd', 4, 'd', 'd', 5];
  let G = E | make-graph s --> t with N on id;

  """

struct GraphTests {
  @Test(arguments: [
    AnswerCase("G | graph-match (p)-[e]->(q) project p.id, q.id, e.w | sort by e_w asc", "a|b|1", "b|c|2", "c|a|3", "c|d|4", "d|d|5"),
    AnswerCase("G | graph-match (p)<-[e]-(q) where p.id == 'a' project p.id, q.id", "a|c"),
    AnswerCase("G | graph-match (p)-[e]-(q) where p.id == 'c' project q.id, e.w | sort by e_w asc", "b|2", "a|3", "d|4"),
    AnswerCase("G | graph-match (p)--(q) where p.id == 'd' project q.id | sort by q_id asc", "c", "d"),
    AnswerCase("G | graph-match (p)-->(q)-->(r) where p.kind == 'x' and r.id == 'd' project p.id, q.id | sort by p_id asc", "c|d"),
    AnswerCase("G | graph-match (p)-[e*1..3]->(q) where p.id == 'a' project q.id, w = map(e, w) | sort by tostring(w) asc", "a|[1,2,3]", "d|[1,2,4]", "c|[1,2]", "b|[1]"),
    AnswerCase("G | graph-match cycles=none (p)-[e*1..4]->(q) where p.id == 'a' project q.id, n = array_length(e) | sort by n asc, q_id asc", "b|1", "c|2", "d|3"),
    AnswerCase("G | graph-match cycles=all (p)-[e*4..4]->(q) where p.id == 'a' project q.id, w = map(e, w) | sort by q_id asc", "b|[1,2,3,1]", "d|[1,2,4,5]"),
    AnswerCase("G | graph-match (p)-[e*0..1]->(q) where p.id == 'b' project q.id, w = map(e, w) | sort by q_id asc", "b|[]", "c|[2]"),
    AnswerCase("G | graph-match (p)<-[e*1..2]-(q) where p.id == 'd' and q.id == 'b' project w = map(e, w), i = map(inner_nodes(e), id)", "[4,2]|[\"c\"]"),
    AnswerCase("G | graph-match (p)-[e*1..3]->(q) where p.id == 'a' and q.id == 'd' and all(e, w != 3) and any(inner_nodes(e), kind == 'y') project map(inner_nodes(e), id)", "[\"b\",\"c\"]"),
    AnswerCase("G | graph-match (p)-[e*1..3]->(q) where p.id == 'a' and all(inner_nodes(e), kind == 'y') project q.id | sort by q_id asc", "b", "c"),
    AnswerCase("G | graph-match (p)-[f]->(q), (r)-[g]->(q) where p.id != r.id project q.id, p.id, r.id | sort by p_id asc", "d|c|d", "d|d|c"),
    AnswerCase("G | graph-match (p)-->(q)-->(r)-->(p) where p.age < 2 project p.id, q.id, r.id", "a|b|c"),
    AnswerCase("G | graph-match (p)-->(q) where node_degree_out(p) > 1 project node_id(p), node_degree_in(q), labels(q) | sort by node_degree_in asc", "c|1|[]", "c|2|[]"),
    AnswerCase("E | make-graph s -- t with_node_id = name | graph-match (p)-[e]->(q) where p.name == 'b' project q.name | sort by q_name asc", "a", "c"),
    AnswerCase("G | graph-where-nodes kind == 'x' | graph-to-table edges", "c|a|3"),
    AnswerCase("G | graph-where-edges w > 3 | graph-match (p)-->(q) project p.id, q.id | sort by p_id asc", "c|d", "d|d"),
    AnswerCase("G | graph-mark-components kind = strong | graph-to-table nodes | project id, age, ComponentId | sort by id asc", "a|1|0", "b|2|0", "c|3|0", "d|null|1"),
    AnswerCase("G | graph-mark-components with_component_id = k | graph-to-table nodes | summarize count() by k", "0|4"),
    AnswerCase("G | graph-shortest-paths (p)-[e*1..5]->(q) where p.id == 'b' and q.id == 'd' project map(e, w)", "[2,4]"),
    AnswerCase("G | graph-shortest-paths (p)-[e*2..5]->(q) where p.id == 'a' and q.id == 'c' project map(e, w)", "[1,2]"),
    AnswerCase("G | graph-shortest-paths (p)<-[e*1..5]-(q) where p.id == 'd' and q.id == 'b' project map(e, w)", "[4,2]"),
    AnswerCase(
      "datatable(s: long, t: long)[1, 2, 1, 3, 2, 4, 3, 4] | make-graph s --> t with_node_id = n | graph-shortest-paths output=all (p)-[e*1..4]->(q) "
        + "where p.n == 1 and q.n == 4 project x = tostring(map(e, t)) | sort by x asc", "[2,4]", "[3,4]"),
    AnswerCase(
      "datatable(s: long, t: long, g: string)[1, 2, 'u', 2, 3, 'v', 1, 3, 'v', 3, 4, 'v'] | make-graph s --> t with_node_id = n partitioned-by g "
        + "(graph-match (p)-[e*2..3]->(q) project p.n, q.n) | sort by p_n asc", "1|4", "2|4"),
    AnswerCase("G | graph-to-table nodes as X, edges as Y; X | count; Y | count", "4", "5"),
  ])
  func answers(_ c: AnswerCase) throws {
    #expect(try answer(graph + c.text) == c.rows.joined(separator: "\n"))
  }

  /// A chain of 3,000 edges has 3,001 - n paths of length n: 101 of length 2,900, 1 of length 3,000. Their edges take more than the budget.
  @Test func longPathsFitIntoTheBudget() throws {
    let chain = "range i from 1 to 3000 step 1 | extend j = i + 1 | make-graph i --> j with_node_id = id"
    #expect(try rows("\(chain) | graph-match (p)-[e*2900..3000]->(q) project p.id", memory: 32 << 20) == 5_151)
    #expect(try rows("\(chain) | graph-shortest-paths (p)-[e*1..3000]->(q) where p.id < 10 and q.id > 2900 project p.id", memory: 32 << 20) == 909)
  }

  @Test func aWalkThatOutgrowsTheBudgetFails() throws {
    let loop = "print i = 1, j = 1 | make-graph i --> j with_node_id = id | graph-match cycles=all (p)-[e*4000000..4000000]->(q) project p.id"
    #expect(throws: KConnectError.self) { try rows(loop, memory: 32 << 20) }
  }

  private func rows(_ text: String, memory: Int) throws -> Int {
    let options = bindOptions()
    let bound = try KQL.bind(text, catalog: PlanCatalog(), options: options)
    var execution = ExecutionOptions()
    execution.memoryLimit = memory
    var count = 0
    try QueryExecution(bound.results[0].plan, options: execution, context: options.context).run { batch in
      count += batch.rowCount
      return true
    }
    return count
  }

  @Test(arguments: [
    ("E | graph-match (p)-->(q) project p.id", "KS111"), ("G | count", "KS111"), ("G", "KS111"),
    ("G | graph-match (p)-->(q) project p.nope", "KS142"), ("G | graph-match (p)-->(q), (r)-->(t) project p.id", "KS140"),
    ("G | graph-match (p)-[e]->(q) where all(e, w > 1) project p.id", "KS140"), ("G | graph-match (p)-[e]->(q)-[e]->(r) project p.id", "KS201"),
    ("G | graph-shortest-paths (p)-->(q) project p.id", "KS006"), ("G | graph-match cycles=some (p)-->(q) project p.id", "KS140"),
    ("G | graph-match (p)-[e*3..1]->(q) project p.id", "KS140"), ("E | make-graph s --> w", "KS107"), ("E | make-graph s --> nope", "KS142"),
    ("E | make-graph s --> t with (N | extend w = tostring(age)) on id partitioned-by w (graph-match (p)-->(q) project p.id)", "KS107"),
    ("E | make-graph s --> t with (N | extend w = age) on id partitioned-by age (graph-match (p)-->(q) project p.id)", "KS142"),
    ("G | graph-match \(Array(repeating: "()", count: 1_002).joined(separator: "-->")) project 1", "KS140"),
  ])
  func refuses(_ text: String, _ code: String) {
    let codes = KQLChecker.diagnostics(graph + text, catalog: PlanCatalog(), options: bindOptions()).map(\.code.description)
    #expect(codes.contains(code), "\(codes)")
  }
}
