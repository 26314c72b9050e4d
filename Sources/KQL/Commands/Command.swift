// Role: a management command as data: which command it is, the arguments its form names, the words it says, and what follows it.
// The forms themselves stand in Forms/; nothing is looked up in a store here.

/// A parsed management command.
package struct Command: Hashable, Sendable {
  package var kind: CommandKind
  /// What the captures of the form took, by name.
  package var arguments: [String: CommandArgument] = [:]
  /// Literal words of the form that the text contains, lower-cased: `ifexists`, `async`, `details`.
  package var words: Set<String> = []
  /// From the dot to the last token of the command itself.
  @Position package var span: SourceSpan
  package var tail: CommandTail?
}

/// What stands behind a command and works on its result.
package enum CommandTail: Hashable, Sendable {
  /// `| operators`; the byte offset of the pipe.
  case operators(offset: Int)
  /// `; statements`, in which `$command_results` is the result; the byte offset after the semicolon.
  case statements(offset: Int)
}

/// The value of one capture.
package enum CommandArgument: Hashable, Sendable {
  case name(Name)
  case names([Name])
  /// A name qualified by others: `Database.Table`, `Table.Column`; `*` is a part of its own.
  case path([Name])
  case text(String, SourceSpan)
  case texts([String])
  case literal(Literal, SourceSpan)
  /// A word among those the form allows, as the form spells it.
  case word(String)
  case schema(RowSchema)
  case tables([TableDeclaration])
  /// `with (a = 1, b = 'x')`, and the renames `new = old`.
  case properties([CommandProperty])
  /// `(a: long) { body }`: the two texts as written, brackets included.
  case function(parameters: String, body: String, SourceSpan)
  case policy(PolicyValue)
  /// Text behind `<|` (or between brackets): a query, commands, or data; with the byte range it takes.
  case source(String, SourceSpan)
  case partitions([PartitionDeclaration])
  case paths([PathFormatPart])
}

/// `name (a: long, b: string)` in commands that make several tables.
package struct TableDeclaration: Hashable, Sendable {
  package var name: Name
  package var schema: RowSchema
}

/// One `name = value`.
package struct CommandProperty: Hashable, Sendable {
  package var name: Name
  /// The value as text: of a string its content, of all others what was written.
  package var text: String
  /// The value when it is one literal.
  package var literal: Literal?
  @Position package var span: SourceSpan
}

/// What a policy is set to, in any of the notations that policies have.
package struct PolicyValue: Hashable, Sendable {
  /// A string literal, usually a JSON document.
  package var document: String?
  /// Single words: `enable`, `true`.
  package var words: [String] = []
  /// `softdelete = 10d`, `hot = 30d`.
  package var settings: [CommandProperty] = []
  /// `(a asc, b desc)`.
  package var order: [OrderedName] = []
  /// `with (...)`.
  package var properties: [CommandProperty] = []
  @Position package var span: SourceSpan
}

/// A column with a direction.
package struct OrderedName: Hashable, Sendable {
  package var name: Name
  package var isAscending: Bool
}

/// A partition column of an external table: `name: type = expression`, or a virtual column without one.
package struct PartitionDeclaration: Hashable, Sendable {
  package var name: Name
  package var type: TypeReference
  /// The column or function call it is made of, as written; nil for a virtual column.
  package var expression: String?
}

/// A part of `pathformat = ("text" name datetime_pattern("yyyy", name))`.
package enum PathFormatPart: Hashable, Sendable {
  case text(String)
  case column(Name)
  case pattern(String, Name)
}

extension Command {
  /// Whether the text has this word of its form.
  package func says(_ word: String) -> Bool { words.contains(word) }

  package func name(_ key: String) -> Name? {
    switch arguments[key] {
    case .name(let name): name
    case .path(let parts): parts.last
    case .text(let text, let span): Name(text: text, span: span)
    default: nil
    }
  }

  package func names(_ key: String) -> [Name] {
    switch arguments[key] {
    case .names(let names): names
    case .name(let name): [name]
    default: []
    }
  }

  package func path(_ key: String) -> [Name] {
    switch arguments[key] {
    case .path(let parts): parts
    case .name(let name): [name]
    default: []
    }
  }

  package func text(_ key: String) -> String? {
    switch arguments[key] {
    case .text(let text, _), .word(let text): text
    case .name(let name): name.text
    default: nil
    }
  }

  package func texts(_ key: String) -> [String] {
    switch arguments[key] {
    case .texts(let texts): texts
    case .text(let text, _): [text]
    default: []
    }
  }

  package func schema(_ key: String = "columns") -> RowSchema? {
    if case .schema(let schema)? = arguments[key] { return schema }
    return nil
  }

  package func properties(_ key: String = "properties") -> [CommandProperty] {
    if case .properties(let list)? = arguments[key] { return list }
    return []
  }

  package func source(_ key: String = "query") -> (text: String, span: SourceSpan)? {
    if case .source(let text, let span)? = arguments[key] { return (text, span) }
    return nil
  }
}
