//! Every panel has something to show when a real Prometheus scrapes the real server.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use signloop::metrics::Metrics;
use signloop::serve::{Health, http};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::{dashboards, panel_queries, queries};
use crate::harness::process::eventually;
use crate::harness::prometheus::Prometheus;
use crate::prometheus_rules::{RULES, fill, shipped};

/// A rate needs two scrapes and a recorded series an evaluation, each a second apart.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Needs the series of last week.
const NEVER_AT_FIRST: &str = "median3w";

#[test]
fn every_query_has_an_answer_from_a_prometheus_that_scrapes_the_program() {
    let runtime = Runtime::new().expect("a runtime starts");
    let address = serve(&runtime);
    let prometheus = Prometheus::start(&address.to_string(), &[shipped(RULES)]);
    for (file, dashboard) in dashboards() {
        for query in queries(&dashboard)
            .iter()
            .filter(|query| !query.contains(NEVER_AT_FIRST))
        {
            eventually(&format!("{file}: {query}"), ANSWER_LIMIT, || {
                let rows = prometheus.query(query).as_array().map_or(0, Vec::len);
                (rows > 0).then_some(())
            });
        }
        for (title, query, legend) in panel_queries(&dashboard) {
            for row in prometheus.query(&query).as_array().into_iter().flatten() {
                check_legend(&legend, &row["metric"], &format!("{file}: {title}"));
            }
        }
    }
    eventually(
        "the alert on the user in a loop, and no other",
        ANSWER_LIMIT,
        || {
            let alerts = prometheus.alerts();
            let names = alerts
                .as_array()?
                .iter()
                .map(|alert| alert["labels"]["alertname"].as_str());
            names
                .eq([Some("SignloopMigratedUserLegacyLoop")])
                .then_some(())
        },
    );
}

/// Serves filled metrics on a free port until the runtime ends.
fn serve(runtime: &Runtime) -> SocketAddr {
    let metrics = Arc::new(Metrics::new());
    fill(&metrics);
    let listener = runtime
        .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let health = Arc::new(Health::new());
    runtime.spawn(http::serve(
        listener,
        metrics,
        health,
        std::future::pending(),
    ));
    address
}

/// A label in a legend that the rows lack would be shown as an empty name.
fn check_legend(legend: &str, labels: &Value, place: &str) {
    for label in legend
        .split("{{")
        .skip(1)
        .filter_map(|part| part.split("}}").next())
    {
        assert!(
            labels[label.trim()].is_string(),
            "{place}: {labels} has no {label}"
        );
    }
}
