//! How PostgreSQL finds things: a search that sorts or reads everything is slow where it matters.

use super::empty;
use crate::store::postgres::applications::{COLUMNS, FIND};
use crate::store::postgres::search::{BY_CLIENT_ID, BY_NAME};
use crate::store::postgres::statistics::{ISSUED_TO_APPLICATIONS, ISSUED_TO_TENANTS};

/// The plan of a statement, as it is made for any parameters.
async fn plan(client: &tokio_postgres::Client, sql: &str, types: &[&str]) -> String {
    let value = |one: &&str| match *one {
        "text" => "'x'",
        "text[]" => "'{x}'",
        "bigint[]" => "'{1}'",
        _ => "1",
    };
    let values: Vec<&str> = types.iter().map(value).collect();
    client.batch_execute(&format!("PREPARE one ({}) AS {sql}", types.join(", "))).await.unwrap();
    let explain = format!("EXPLAIN (COSTS OFF) EXECUTE one ({})", values.join(", "));
    let steps = client.simple_query(&explain).await.unwrap();
    client.batch_execute("DEALLOCATE one").await.unwrap();
    let lines = steps.iter().filter_map(|step| match step {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::trim),
        _ => None,
    });
    lines.collect::<Vec<_>>().join("; ")
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn everything_is_found_along_indexes() {
    let (database, _store) = empty().await;
    let client = database.connect().await;
    // Tables that are empty are read from end to end unless that is forbidden.
    let settings =
        "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off;
                    SET enable_hashjoin = off; SET enable_mergejoin = off";
    client.batch_execute(settings).await.unwrap();
    let of_page = |which: &str| format!("SELECT {COLUMNS} {which}");

    let by_id = plan(&client, &of_page(BY_CLIENT_ID), &["text", "text", "text", "text", "bigint"]).await;
    assert!(
        by_id.starts_with("Limit; ->  Index Scan using application_by_any_client_id on application"),
        "{by_id}"
    );
    assert!(
        by_id.contains(
            "Index Cond: ((tenant_id = $1) AND (ROW(lower(client_id), client_id) > ROW($2, $3)) AND"
        )
    );

    let by_name = plan(&client, &of_page(BY_NAME), &["text", "text", "text", "text", "text", "bigint"]).await;
    assert!(
        by_name.starts_with("Limit; ->  Index Scan using application_by_name on application"),
        "{by_name}"
    );
    assert!(
        by_name.contains("Index Cond: ((tenant_id = $1) AND (ROW(lower(name), client_id) > ROW($2, $3)) AND")
    );

    let find = plan(&client, &FIND, &["text", "text"]).await;
    assert!(!find.contains("Seq Scan"), "{find}");
    for index in [
        "application_tenant_id_client_id_key",
        "application_scope_pkey",
        "scope_pkey",
        "application_api_pkey",
        "credential_by_application",
    ] {
        assert!(find.contains(index), "{find}");
    }

    let of_applications = ["text[]", "text[]", "bigint", "bigint[]", "bigint"];
    let issued = plan(&client, ISSUED_TO_APPLICATIONS, &of_applications).await;
    let along_the_key = |key: &str| issued.matches(&format!("Index Cond: ((period = {key}")).count();
    assert!(!issued.contains("Seq Scan") && issued.contains("(start = ANY ($4))"), "{issued}");
    assert_eq!((along_the_key("'minute'"), along_the_key("'day'")), (2, 1), "{issued}");
    assert_eq!(issued.matches("(client_id = one.client_id) AND (reason = ''").count(), 3, "{issued}");
    let issued = plan(&client, ISSUED_TO_TENANTS, &["text[]", "bigint", "bigint[]", "bigint"]).await;
    assert!(!issued.contains("Seq Scan"), "{issued}");
    assert_eq!(issued.matches("(tenant_id = one.tenant_id)").count(), 3, "{issued}");
}
