// Role: forms of commands about tables, columns and stored functions.

extension CommandForms {
  static let tables: [CommandForm] = [
    CommandForm(.tableCreate, "create table <table> <columns:schema> [<properties>]"),
    CommandForm(.tableCreateBasedOn, "create table <table> based-on <source> [ifnotexists] [<properties>]"),
    CommandForm(.tableCreateMerge, "create-merge table <table> <columns:schema> [<properties>]"),
    CommandForm(.tableCreateOrAlter, "create-or-alter table <table> <columns:schema> [<properties>]"),
    CommandForm(.tablesCreate, "create tables <tables:tables> [<properties>]"),
    CommandForm(.tablesCreateMerge, "create-merge tables <tables:tables> [<properties>]"),
    CommandForm(.tableAlter, "alter table <table> <columns:schema> [<properties>]"),
    CommandForm(.tableAlterMerge, "alter-merge table <table> <columns:schema> [<properties>]"),
    CommandForm(.tableDocStringAlter, "alter table <table> docstring <text:string>"),
    CommandForm(.tableFolderAlter, "alter table <table> folder <text:string>"),
    CommandForm(.columnDocStringsAlter, "alter table <table> column-docstrings <texts:docstrings>"),
    CommandForm(.columnDocStringsAlterMerge, "alter-merge table <table> column-docstrings <texts:docstrings>"),
    CommandForm(.tableRename, "rename table <table> to <name> [<properties>]"),
    CommandForm(.tablesRename, "rename tables <renames:tableRenames>"),
    CommandForm(.tableDrop, "drop table <table> [ifexists]"),
    CommandForm(.tablesDrop, "drop tables <tables:names> [ifexists]"),
    CommandForm(.tableUndoDrop, "undo drop table <table> [as <name>] version = <version:string> [internal]"),
    CommandForm(.tablesShow, "show tables [<tables:names>] [<properties>]"),
    CommandForm(.tableShow, "show table <table>"),
    CommandForm(.tablesDetailsShow, "show tables [<tables:names>] details [<properties>]"),
    CommandForm(.tableDetailsShow, "show table <table> details [<properties>]"),
    CommandForm(.tableCslSchemaShow, "show table <table> {cslschema | kqlschema}"),
    CommandForm(.tableSchemaAsJsonShow, "show table <table> schema as json"),
    CommandForm(.tableCslSchemaShow, "show table <table> schema as {csl | kql}"),
    CommandForm(.tableDataStatisticsShow, "show table <table> data statistics [<properties>]"),
    CommandForm(.tableColumnStatisticsShow, "show table <table> column statistics"),
    CommandForm(.tableDataClear, "clear [async] table <table> data"),
    CommandForm(.tableCacheClear, "clear table <table> cache streamingingestion schema"),
    CommandForm(.tableRecordsDelete, "delete [async] table <table> records [<properties>] <query:source>"),
    CommandForm(.tableUpdate, "update [async] table <table> delete <delete> append <append> [<properties>] <query:source>"),
  ]

  static let columns: [CommandForm] = [
    CommandForm(.columnRename, "rename column <column:path> to <name>"),
    CommandForm(.columnsRename, "rename columns <renames:renames>"),
    CommandForm(.columnTypeAlter, "alter column <column:path> type = <type:type>"),
    CommandForm(.columnDrop, "drop column <column:path> [ifexists]"),
    CommandForm(.columnsDrop, "drop table <table> columns <columns:names>"),
  ]

  static let functions: [CommandForm] = [
    CommandForm(.functionsShow, "show functions [<properties>]"),
    CommandForm(.functionShow, "show function <function> [<properties>]"),
    CommandForm(.functionSchemaAsJsonShow, "show function <function> schema as json [<properties>]"),
    CommandForm(.functionCreate, "create function [ifnotexists] [<properties>] <function> <body:function>"),
    CommandForm(.functionCreateOrAlter, "create-or-alter function [<properties>] <function> <body:function>"),
    CommandForm(.functionAlter, "alter function [<properties>] <function> <body:function>"),
    CommandForm(.functionDocStringAlter, "alter function <function> docstring <text:string>"),
    CommandForm(.functionFolderAlter, "alter function <function> folder <text:string>"),
    CommandForm(.functionDrop, "drop function <function> [ifexists]"),
    CommandForm(.functionsDrop, "drop functions <functions:names> [ifexists]"),
  ]
}
