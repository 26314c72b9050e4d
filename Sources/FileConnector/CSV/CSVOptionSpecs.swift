// Role: the options of delimited files, declared once. Names are Spark's; where the default differs from Spark's, the help says so.

package import DataSource

package enum CSVOptionSpecs {
  package static let specs: [OptionSpec] = [
    OptionSpec("sep", .string, use: .both, aliases: ["delimiter", "separator"], "The byte between fields; default ',', for .tsv a tab, for .psv '|'. \\t is understood."),
    OptionSpec("header", .bool, default: "true", "The first record names the columns. (Spark's default is false.)"),
    OptionSpec("quote", .character, default: "\"", "The byte around fields that hold separators or line ends; empty: nothing is quoted."),
    OptionSpec("escape", .character, "The byte that makes a quote inside quotes literal; default: the quote itself, as in RFC 4180. (Spark's default is \\.)"),
    OptionSpec(
      "charToEscapeQuoteEscaping", .character, use: .both, support: .notSupported("the escape byte escapes itself; another byte for it"),
      "The byte that makes the escape byte literal."),
    OptionSpec("comment", .character, use: .read, "Lines that start with this byte are skipped."),
    OptionSpec("lineSep", .string, "The line end; default on read: LF, CR LF and CR in any mix; on write: LF."),
    OptionSpec("encoding", .string, aliases: ["charset"], "UTF-8, ISO-8859-1, windows-1252, UTF-16LE, UTF-16BE, US-ASCII; a byte order mark is recognised. Written is UTF-8."),
    OptionSpec("compression", .oneOf(["auto", "none", "gzip", "gz", "zstd", "zst"]), default: "auto", aliases: ["codec"], "Whole-file compression; auto: by the name's extension."),
    OptionSpec("compressionLevel", .integer, use: .write, "Level of gzip (1-9, default 6) or zstd (1-22, default 3)."),
    OptionSpec("nullValue", .string, default: "", "The unquoted text that stands for null, besides the empty field."),
    OptionSpec("emptyValue", .string, default: "", "What a quoted empty field stands for; on write, what an empty text is written as (default: two quotes)."),
    OptionSpec("nanValue", .string, default: "NaN", "The text of not-a-number."),
    OptionSpec("positiveInf", .string, default: "Infinity", "The text of positive infinity."),
    OptionSpec("negativeInf", .string, default: "-Infinity", "The text of negative infinity."),
    OptionSpec("dateFormat", .string, "Pattern of dates, such as dd.MM.yyyy; read: tried after timestampFormat. Default ISO 8601."),
    OptionSpec("timestampFormat", .string, "Pattern of datetimes, such as M/d/yyyy h:mm:ss a. Default ISO 8601."),
    OptionSpec("ignoreLeadingWhiteSpace", .bool, default: "false", "Spaces and tabs in front of fields are dropped. (Spark's default on write is true.)"),
    OptionSpec("ignoreTrailingWhiteSpace", .bool, default: "false", "Spaces and tabs behind fields are dropped. (Spark's default on write is true.)"),
    OptionSpec("multiLine", .bool, use: .read, support: .noEffect("line ends inside quotes always belong to the field"), "Quoted fields may hold line ends."),
    OptionSpec(
      "mode", .oneOf(["PERMISSIVE", "DROPMALFORMED", "FAILFAST", "FAILBROKEN"]), default: "PERMISSIVE", use: .read,
      "Records that do not fit: kept with nulls and counted, left out and counted, or an error. FAILBROKEN: an error for records of another width than the first and for quotes that do not end, null for values that do not fit. Without schema and mode, a value that does not fit its inferred type is an error."),
    OptionSpec("columnNameOfCorruptRecord", .string, use: .read, "A string column of this name holds the text of malformed records, null for others."),
    OptionSpec("badRecordsPath", .path, use: .read, aliases: ["badRowsPath"], "A file that gets every malformed record as a JSON line: file, line, offset, reason, record."),
    OptionSpec("inferSchema", .bool, default: "true", use: .read, "Find types from a sample; false: every column is string. (Spark's default is false.)"),
    OptionSpec("sampleBytes", .bytes, default: "2mb", use: .read, "How much of the file's beginning types are inferred from."),
    OptionSpec("samplingRatio", .string, use: .read, "The share of the file that types are inferred from, instead of sampleBytes; 1.0: all of it. Regular uncompressed files only."),
    OptionSpec("enforceSchema", .bool, default: "true", use: .read, "true: a given schema's columns are taken by position; false: the header must have its names."),
    OptionSpec(
      "indexColumn", .string, use: .read,
      "The records start with one field more than the header names, as files with row numbers do; it becomes the column of this name."),
    OptionSpec("maxColumns", .integer, default: "20480", use: .read, "More columns are an error."),
    OptionSpec("maxCharsPerColumn", .integer, default: "-1", use: .read, "A field of more bytes is an error; -1: no limit beyond 256 MB for a record."),
    OptionSpec("quoteAll", .bool, default: "false", use: .write, "Quote every value that is not null."),
    OptionSpec("escapeQuotes", .bool, use: .write, support: .notSupported("quotes are always escaped"), "Quote values that hold quotes."),
    OptionSpec("preferDate", .bool, default: "true", use: .read, "A column whose sampled values are all dates (yyyy-MM-dd) is written as dates where the target has them; false: as datetimes."),
    OptionSpec("timeZone", .string, support: .notSupported("datetimes are UTC; convert them in a query"), "The zone of datetimes without offset."),
    OptionSpec("locale", .string, support: .notSupported("month and day names are English"), "The language of names."),
    OptionSpec("unescapedQuoteHandling", .string, use: .read, support: .notSupported("quotes inside unquoted fields are literal"), "What an unescaped quote means."),
  ]
}
