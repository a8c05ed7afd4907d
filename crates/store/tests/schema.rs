//! `src/schema/*.rs` is what the migrations make. Run with `UPDATE=1` to print it anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use riftwatch_testkit::TestDb;

/// Columns of all tables but Diesel's own and partitions, in order.
const COLUMNS: &str = "
    SELECT c.table_name::text, c.column_name::text,
           CASE c.data_type WHEN 'ARRAY' THEN c.udt_name ELSE c.data_type END::text, c.is_nullable = 'YES'
    FROM information_schema.columns c
    JOIN pg_class r ON r.oid = format('%I.%I', c.table_schema, c.table_name)::regclass
    WHERE c.table_schema = 'public' AND NOT r.relispartition AND r.relkind IN ('r', 'p')
      AND c.table_name <> '__diesel_schema_migrations'
    ORDER BY c.table_name, c.ordinal_position";

const KEYS: &str = "
    SELECT r.relname::text, string_agg(a.attname, ', ' ORDER BY k.place)
    FROM pg_constraint p
    JOIN pg_class r ON r.oid = p.conrelid AND NOT r.relispartition
    CROSS JOIN unnest(p.conkey) WITH ORDINALITY k (number, place)
    JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = k.number
    WHERE p.contype = 'p' GROUP BY r.relname";

/// Foreign keys of one column onto a primary key: what `joinable!` can say. Two that go the same
/// way are ambiguous, and left out.
const JOINS: &str = "
    SELECT r.relname::text, f.relname::text, min(a.attname)::text
    FROM pg_constraint p
    JOIN pg_class r ON r.oid = p.conrelid AND NOT r.relispartition
    JOIN pg_class f ON f.oid = p.confrelid
    JOIN pg_constraint k ON k.conrelid = f.oid AND k.contype = 'p' AND k.conkey = p.confkey
    JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = p.conkey[1]
    WHERE p.contype = 'f' AND cardinality(p.conkey) = 1 AND p.conparentid = 0
    GROUP BY r.relname, f.relname HAVING count(*) = 1 ORDER BY 1, 2";

type Tables = BTreeMap<String, Vec<(String, String)>>;

fn diesel_type(sql: &str, nullable: bool) -> String {
    let name = match sql {
        "text" => "Text",
        "integer" => "Int4",
        "bigint" => "Int8",
        "smallint" => "Int2",
        "boolean" => "Bool",
        "double precision" => "Float8",
        "timestamp with time zone" => "Timestamptz",
        "jsonb" => "Jsonb",
        "uuid" => "Uuid",
        "bytea" => "Bytea",
        "real" => "Float4",
        "_text" => "Array<Nullable<Text>>",
        "_int8" => "Array<Nullable<Int8>>",
        other => panic!("no Diesel type is known for {other}"),
    };
    if nullable { format!("Nullable<{name}>") } else { name.to_owned() }
}

async fn rows(client: &tokio_postgres::Client, sql: &str) -> Vec<tokio_postgres::Row> {
    client.query(sql, &[]).await.expect("the catalogue answers")
}

fn print(
    set: &str,
    tables: &Tables,
    keys: &BTreeMap<String, String>,
    joins: &[[String; 3]],
) -> String {
    let mut text = format!("// Printed from migrations/{set} by tests/schema.rs; see there.\n");
    for (table, columns) in tables {
        let key = &keys[table];
        write!(text, "\ndiesel::table! {{\n    {table} ({key}) {{\n").expect("strings grow");
        for (column, sort) in columns {
            writeln!(text, "        {column} -> {sort},").expect("strings grow");
        }
        text.push_str("    }\n}\n");
    }
    let joins: Vec<_> = joins
        .iter()
        .filter(|[from, to, _]| tables.contains_key(from) && tables.contains_key(to) && from != to)
        .collect();
    if !joins.is_empty() {
        text.push('\n');
    }
    for [from, to, column] in joins {
        writeln!(text, "diesel::joinable!({from} -> {to} ({column}));").expect("strings grow");
    }
    text.push_str("\ndiesel::allow_tables_to_appear_in_same_query!(\n");
    for table in tables.keys() {
        writeln!(text, "    {table},").expect("strings grow");
    }
    text.push_str(");\n");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_files_are_what_the_migrations_make() {
    let test = TestDb::new().await;
    let (client, connection) = test.url().connect_raw().await.expect("connecting");
    let driver = tokio::spawn(connection);
    let mut tables = Tables::new();
    for row in rows(&client, COLUMNS).await {
        let sort = diesel_type(row.get(2), row.get(3));
        tables.entry(row.get(0)).or_default().push((row.get(1), sort));
    }
    let keys = rows(&client, KEYS).await.iter().map(|row| (row.get(0), row.get(1))).collect();
    let joins: Vec<[String; 3]> =
        rows(&client, JOINS).await.iter().map(|row| [row.get(0), row.get(1), row.get(2)]).collect();
    drop(client);
    driver.await.expect("the driver ends").expect("the connection closes");

    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made_by = |set: &str| {
        let mut sql = String::new();
        let folder = root.join("../../migrations").join(set);
        for entry in std::fs::read_dir(folder).expect("the migrations are there") {
            let up = entry.expect("a folder").path().join("up.sql");
            sql.push_str(&std::fs::read_to_string(up).expect("up.sql is there"));
        }
        sql
    };
    for set in ["runtime", "game"] {
        let sql = made_by(set);
        let own: Tables = tables
            .iter()
            .filter(|(table, _)| {
                ["", "UNLOGGED "]
                    .map(|sort| format!("CREATE {sort}TABLE {table} "))
                    .iter()
                    .any(|created| sql.contains(created))
            })
            .map(|(table, columns)| (table.clone(), columns.clone()))
            .collect();
        let printed = print(set, &own, &keys, &joins);
        let path = root.join(format!("src/schema/{set}.rs"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &printed).expect("writing the schema");
        }
        let committed = std::fs::read_to_string(&path).expect("the schema is there");
        assert_eq!(printed, committed, "run this test with UPDATE=1");
    }
}
