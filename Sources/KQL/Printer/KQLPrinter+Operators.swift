// Pipelines and tabular operators.

extension KQLPrinter {
  mutating func pipeline(_ pipeline: Pipeline) {
    if let source = pipeline.source { expression(source) }
    for (i, step) in pipeline.operators.enumerated() {
      if i > 0 || pipeline.source != nil {
        newLine()
        write("| ")
      }
      tabularOperator(step)
    }
  }

  /// `( operators )` on one indented block.
  private mutating func block(_ pipeline: Pipeline, _ open: String = "(", _ close: String = ")") {
    write(open)
    indent += 2
    self.pipeline(pipeline)
    indent -= 2
    write(close)
  }

  private mutating func named(_ items: [NamedExpression]) {
    list(items) { $0.namedExpression($1) }
  }

  private mutating func tabularOperator(_ step: TabularOperator) {
    write(step.name)
    if case .graphToTable = step.kind {} else if !step.parameters.isEmpty {
      write(" ")
      parameters(step.parameters)
      out.removeLast()
    }
    let before = out.utf8.count
    write(" ")
    operands(step.kind)
    if out.utf8.count == before + 1 { out.removeLast() }
  }

  private mutating func operands(_ kind: TabularOperator.Kind) {
    switch kind {
    case .consume, .getschema, .graphMarkComponents: break
    case .asName(let value): name(value)
    case .assertSchema(let schema): rowSchema(schema)
    case .count(let value):
      if let value {
        write("as ")
        name(value)
      }
    case .evaluate(let call, let schema):
      functionCall(call)
      if let schema {
        write(" : ")
        rowSchema(schema)
      }
    case .distinct(let items), .extend(let items), .print(let items), .project(let items), .projectRename(let items), .serialize(let items): named(items)
    case .facet(let columns, let body):
      write("by ")
      list(columns) { $0.operand($1) }
      if let body {
        write(" with ")
        block(body)
      }
    case .filter(let predicate), .graphWhereEdges(let predicate), .graphWhereNodes(let predicate): expression(predicate)
    case .find(let find): self.find(find)
    case .fork(let branches):
      list(branches, " ") { printer, branch in
        if let name = branch.name {
          printer.name(name)
          printer.write(" = ")
        }
        printer.block(branch.body)
      }
    case .graphMatch(let patterns), .graphShortestPaths(let patterns): graphPatterns(patterns)
    case .graphToTable(let outputs): graphOutputs(outputs)
    case .invoke(let call): operand(call)
    case .join(let join), .lookup(let join): self.join(join)
    case .macroExpand(let expand):
      operand(expand.group)
      if let scope = expand.scope {
        write(" as ")
        name(scope)
      }
      write(" (")
      statements(expand.statements)
      write(")")
    case .makeGraph(let graph): makeGraph(graph)
    case .makeSeries(let series): makeSeries(series)
    case .mvApply(let apply):
      mvExpandItems(apply.items)
      if let limit = apply.limit {
        write(" limit ")
        sum(limit)
      }
      if let id = apply.id {
        write(" id ")
        sum(id)
      }
      write(" on ")
      block(apply.body)
    case .mvExpand(let items, let limit):
      mvExpandItems(items)
      if let limit {
        write(" limit ")
        sum(limit)
      }
    case .parse(let parse), .parseWhere(let parse): self.parse(parse)
    case .parseKv(let parse):
      expression(parse.value)
      write(" as ")
      rowSchema(parse.keys)
      if !parse.properties.isEmpty {
        write(" with ")
        properties(parse.properties)
      }
    default: furtherOperands(kind)
    }
  }

  /// The second half of the operators; split from `operands` only for length.
  private mutating func furtherOperands(_ kind: TabularOperator.Kind) {
    switch kind {
    case .partition(let partition):
      write("by ")
      operand(partition.key)
      if let scope = partition.scope {
        write(" in ")
        operand(scope)
      }
      write(" ")
      block(partition.body, partition.isFullQuery ? "{" : "(", partition.isFullQuery ? "}" : ")")
    case .projectAway(let columns), .projectKeep(let columns), .projectByNames(let columns): list(columns) { $0.expression($1) }
    case .projectReorder(let items):
      list(items) { printer, item in
        printer.expression(item.column)
        if let order = item.order { printer.write(" " + order.rawValue) }
      }
    case .range(let column, let from, let to, let step):
      name(column)
      write(" from ")
      expression(from)
      write(" to ")
      expression(to)
      write(" step ")
      expression(step)
    case .reduce(let key, let properties):
      write("by ")
      namedExpression(key)
      if !properties.isEmpty {
        write(" with ")
        list(properties) { $0.parameter($1) }
      }
    case .render(let render):
      name(render.visualization)
      if render.properties.first?.name.text == "by" {
        write(" by ")
        if case .names(let names) = render.properties[0].value { list(names) { $0.name($1) } }
        for property in render.properties.dropFirst() {
          write(" ")
          parameter(property)
        }
      } else if !render.properties.isEmpty {
        write(" with ")
        properties(render.properties)
      }
    case .sample(let count), .take(let count): expression(count)
    case .sampleDistinct(let count, let of):
      expression(count)
      write(" of ")
      namedExpression(of)
    case .scan(let scan): self.scan(scan)
    case .search(let search):
      sources(search.sources)
      expression(search.predicate)
    case .sort(let keys):
      write("by ")
      list(keys) { $0.ordered($1) }
    case .summarize(let summarize):
      named(summarize.aggregates)
      if !summarize.keys.isEmpty {
        write(summarize.aggregates.isEmpty ? "by " : " by ")
        named(summarize.keys)
      }
      if let bin = summarize.legacyBin {
        write(" bin = ")
        expression(bin)
      }
    case .top(let count, let key):
      expression(count)
      write(" by ")
      ordered(key)
    case .topHitters(let count, let of, let by):
      expression(count)
      write(" of ")
      namedExpression(of)
      if let by {
        write(" by ")
        namedExpression(by)
      }
    case .topNested(let levels): topNested(levels)
    case .union(let operands): list(operands) { $0.operand($1) }
    default: break
    }
  }

  private mutating func ordered(_ key: OrderedExpression) {
    namedExpression(key.value)
    if let direction = key.direction { write(" " + direction.rawValue) }
    if let nulls = key.nulls { write(" nulls " + nulls.rawValue) }
  }

  private mutating func join(_ join: JoinOperator) {
    operand(join.right)
    if !join.conditions.isEmpty {
      write(join.isWhere ? " where " : " on ")
      list(join.conditions) { $0.expression($1) }
    }
  }

  private mutating func mvExpandItems(_ items: [MvExpandItem]) {
    list(items) { printer, item in
      printer.namedExpression(item.value)
      if let type = item.type { printer.write(" to typeof(\(type.type.rawValue))") }
    }
  }

  private mutating func makeSeries(_ series: MakeSeriesOperator) {
    list(series.aggregates) { printer, aggregate in
      printer.namedExpression(aggregate.value)
      if let value = aggregate.defaultValue {
        printer.write(" default = ")
        printer.expression(value)
      }
    }
    write(" on ")
    namedExpression(series.axis)
    if series.usesInRange {
      write(" in range(")
      list([series.from, series.to, series.step].compactMap { $0 }) { $0.expression($1) }
      write(")")
    } else {
      for (word, value) in [("from", series.from), ("to", series.to), ("step", series.step)] {
        guard let value else { continue }
        write(" \(word) ")
        expression(value)
      }
    }
    if !series.keys.isEmpty {
      write(" by ")
      named(series.keys)
    }
  }

  private mutating func parse(_ parse: ParseOperator) {
    expression(parse.value)
    write(" with")
    for part in parse.pattern {
      write(" ")
      switch part {
      case .star: write("*")
      case .text(let text): write(Self.quoted(string: text))
      case .column(let column, let type):
        name(column)
        if let type { write(": \(type.type.rawValue)") }
      }
    }
  }

  private mutating func topNested(_ levels: [TopNestedLevel]) {
    for (i, level) in levels.enumerated() {
      if i > 0 { write(", top-nested ") }
      if let count = level.count {
        expression(count)
        write(" ")
      }
      write("of ")
      namedExpression(level.key)
      if let others = level.others {
        write(" with others = ")
        expression(others)
      }
      write(" by ")
      namedExpression(level.aggregate)
      if let direction = level.direction { write(" " + direction.rawValue) }
    }
  }

  private mutating func sources(_ sources: [Expression]) {
    guard !sources.isEmpty else { return }
    write("in (")
    list(sources) { $0.operand($1) }
    write(") ")
  }

  private mutating func find(_ find: FindOperator) {
    sources(find.sources)
    write("where ")
    expression(find.predicate)
    switch find.projection {
    case .unspecified: break
    case .smart: write(" project-smart")
    case .columns(let columns, let packsRest):
      write(" project ")
      findColumns(columns)
      if packsRest { write(columns.isEmpty ? "pack(*)" : ", pack(*)") }
    case .away(let columns):
      write(" project-away ")
      if columns.isEmpty { write("*") } else { findColumns(columns) }
    }
  }

  private mutating func findColumns(_ columns: [FindOperator.Column]) {
    list(columns) { printer, column in
      printer.name(column.name)
      if let type = column.type { printer.write(": \(type.type.rawValue)") }
    }
  }

  private mutating func scan(_ scan: ScanOperator) {
    if !scan.order.isEmpty {
      write("order by ")
      list(scan.order) { $0.ordered($1) }
      write(" ")
    }
    if !scan.partition.isEmpty {
      write("partition by ")
      list(scan.partition) { $0.expression($1) }
      write(" ")
    }
    if !scan.declared.isEmpty {
      write("declare ")
      parameterList(scan.declared)
      write(" ")
    }
    write("with (")
    for step in scan.steps {
      write("step ")
      name(step.name)
      if step.isOptional { write(" optional") }
      if let output = step.output { write(" output=\(output.text)") }
      write(": ")
      expression(step.condition)
      if !step.assignments.isEmpty {
        write(" => ")
        list(step.assignments) { printer, assignment in
          printer.name(assignment.name)
          printer.write(" = ")
          printer.expression(assignment.value)
        }
      }
      write("; ")
    }
    write(")")
  }

  // MARK: Graphs

  private mutating func makeGraph(_ graph: MakeGraphOperator) {
    name(graph.source)
    write(graph.isDirected ? " --> " : " -- ")
    name(graph.target)
    if let id = graph.nodeID {
      write(" with_node_id=")
      name(id)
    } else if !graph.nodes.isEmpty {
      write(" with ")
      list(graph.nodes) { printer, table in
        printer.operand(table.table)
        printer.write(" on ")
        printer.name(table.key)
      }
    }
    if let key = graph.partitionKey, let body = graph.partitionBody {
      write(" partitioned-by ")
      name(key)
      write(" ")
      block(body)
    }
  }

  private mutating func graphPatterns(_ patterns: GraphPatternOperator) {
    list(patterns.patterns) { printer, pattern in
      for element in pattern { printer.graphElement(element) }
    }
    if let predicate = patterns.predicate {
      write(" where ")
      expression(predicate)
    }
    if let projection = patterns.projection {
      write(" project ")
      named(projection)
    }
  }

  private mutating func graphElement(_ element: GraphPatternOperator.Element) {
    switch element {
    case .node(let node):
      write("(")
      if let node { name(node) }
      write(")")
    case .edge(let edge):
      write(edge.direction == .backward ? "<-" : "-")
      if edge.name != nil || edge.minimum != nil {
        write("[")
        if let edgeName = edge.name { name(edgeName) }
        if let minimum = edge.minimum, let maximum = edge.maximum {
          write("*")
          signed(minimum)
          write("..")
          signed(maximum)
        }
        write("]")
      }
      write(edge.direction == .forward ? "->" : "-")
    }
  }

  private mutating func graphOutputs(_ outputs: [GraphTableOutput]) {
    list(outputs) { printer, output in
      printer.write(output.isNodes ? "nodes" : "edges")
      if let name = output.name {
        printer.write(" as ")
        printer.name(name)
      }
      if !output.parameters.isEmpty {
        printer.write(" ")
        printer.parameters(output.parameters)
        printer.out.removeLast()
      }
    }
  }
}
