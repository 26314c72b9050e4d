// Tabular operators: one case per operator of the language. Synonyms share a case (`filter`/`where`, `limit`/`take`,
// `order by`/`sort by`, `mvexpand`/`mv-expand`).

/// An operator of a pipeline with the parameters written before its operands.
package struct TabularOperator: Hashable, Sendable {
  package var kind: Kind
  /// `kind=inner hint.strategy=shuffle`, in the order written.
  package var parameters: [OperatorParameter]
  @Position package var span: SourceSpan
  /// The operator's own word, for messages.
  @Position package var nameSpan: SourceSpan

  package indirect enum Kind: Hashable, Sendable {
    case asName(Name)
    case assertSchema(RowSchema)
    case consume
    case count(Name?)
    /// Expressions, and `*`.
    case distinct([NamedExpression])
    case evaluate(FunctionCall, schema: RowSchema?)
    case extend([NamedExpression])
    case facet(by: [Expression], with: Pipeline?)
    case filter(Expression)
    case find(FindOperator)
    case fork([ForkBranch])
    case getschema
    case graphMarkComponents
    case graphMatch(GraphPatternOperator)
    case graphShortestPaths(GraphPatternOperator)
    case graphToTable([GraphTableOutput])
    case graphWhereEdges(Expression)
    case graphWhereNodes(Expression)
    case invoke(Expression)
    case join(JoinOperator)
    case lookup(JoinOperator)
    case macroExpand(MacroExpandOperator)
    case makeGraph(MakeGraphOperator)
    case makeSeries(MakeSeriesOperator)
    case mvApply(MvApplyOperator)
    case mvExpand([MvExpandItem], limit: Expression?)
    case parse(ParseOperator)
    case parseWhere(ParseOperator)
    case parseKv(ParseKvOperator)
    case partition(PartitionOperator)
    case print([NamedExpression])
    case project([NamedExpression])
    case projectAway([Expression])
    case projectByNames([Expression])
    case projectKeep([Expression])
    case projectRename([NamedExpression])
    case projectReorder([ReorderItem])
    case range(Name, from: Expression, to: Expression, step: Expression)
    case reduce(by: NamedExpression, with: [OperatorParameter])
    case render(RenderOperator)
    case sample(Expression)
    case sampleDistinct(Expression, of: NamedExpression)
    case scan(ScanOperator)
    case search(SearchOperator)
    case serialize([NamedExpression])
    case sort([OrderedExpression])
    case summarize(SummarizeOperator)
    case take(Expression)
    case top(Expression, by: OrderedExpression)
    case topHitters(Expression, of: NamedExpression, by: NamedExpression?)
    case topNested([TopNestedLevel])
    case union([Expression])
  }
}

extension TabularOperator {
  /// The operator's word as the language prints it.
  package var name: String {
    switch kind {
    case .asName: "as"
    case .assertSchema: "assert-schema"
    case .consume: "consume"
    case .count: "count"
    case .distinct: "distinct"
    case .evaluate: "evaluate"
    case .extend: "extend"
    case .facet: "facet"
    case .filter: "where"
    case .find: "find"
    case .fork: "fork"
    case .getschema: "getschema"
    case .graphMarkComponents: "graph-mark-components"
    case .graphMatch: "graph-match"
    case .graphShortestPaths: "graph-shortest-paths"
    case .graphToTable: "graph-to-table"
    case .graphWhereEdges: "graph-where-edges"
    case .graphWhereNodes: "graph-where-nodes"
    case .invoke: "invoke"
    case .join: "join"
    case .lookup: "lookup"
    case .macroExpand: "macro-expand"
    case .makeGraph: "make-graph"
    case .makeSeries: "make-series"
    case .mvApply: "mv-apply"
    case .mvExpand: "mv-expand"
    case .parse: "parse"
    case .parseWhere: "parse-where"
    case .parseKv: "parse-kv"
    case .partition: "partition"
    case .print: "print"
    case .project: "project"
    case .projectAway: "project-away"
    case .projectByNames: "project-by-names"
    case .projectKeep: "project-keep"
    case .projectRename: "project-rename"
    case .projectReorder: "project-reorder"
    case .range: "range"
    case .reduce: "reduce"
    case .render: "render"
    case .sample: "sample"
    case .sampleDistinct: "sample-distinct"
    case .scan: "scan"
    case .search: "search"
    case .serialize: "serialize"
    case .sort: "sort"
    case .summarize: "summarize"
    case .take: "take"
    case .top: "top"
    case .topHitters: "top-hitters"
    case .topNested: "top-nested"
    case .union: "union"
    }
  }
}
