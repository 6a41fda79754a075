//! Dashboards and rules speak of metrics that exist, with labels that they have; dashboards are laid
//! out without overlap, and promtool can parse every query in them.

mod live;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;

use serde_json::{Value, json};

use crate::harness::prometheus::promtool;
use crate::prometheus_rules::{RULES, exposition, read, shipped};

/// Label names of each series that is exposed or recorded, by its name.
type Series = BTreeMap<String, BTreeSet<String>>;

/// Labels that a scrape adds to every series.
const SCRAPE_LABELS: [&str; 2] = ["job", "instance"];

#[test]
fn every_query_of_every_dashboard_names_series_and_labels_that_exist() {
    let series = known_series();
    for (file, dashboard) in dashboards() {
        for query in queries(&dashboard) {
            check_names(&series, &query, &file);
        }
        for (title, query, legend) in panel_queries(&dashboard) {
            let known = labels_of(&series, &query);
            for label in legend
                .split("{{")
                .skip(1)
                .filter_map(|part| part.split("}}").next())
            {
                assert!(
                    known.contains(label.trim()),
                    "{file}: {title}: no label {label}"
                );
            }
        }
    }
}

#[test]
fn every_rule_names_series_and_labels_that_exist() {
    let series = known_series();
    let rules = rules();
    assert!(rules.len() > 5, "{rules:?}");
    for (name, expression) in rules {
        check_names(&series, &expression, &name);
    }
}

#[test]
fn every_query_of_every_dashboard_can_be_parsed() {
    for (file, dashboard) in dashboards() {
        let queries = queries(&dashboard);
        assert!(queries.len() > 10, "{file}");
        let rules: Vec<Value> = (0..)
            .zip(&queries)
            .map(|(number, query)| json!({"record": format!("query:{number}"), "expr": query}))
            .collect();
        // JSON is YAML.
        let groups = json!({"groups": [{"name": "queries", "rules": rules}]});
        let mut rules = tempfile::NamedTempFile::new().expect("there is a temporary folder");
        rules
            .write_all(groups.to_string().as_bytes())
            .expect("the file is ours");
        let output = promtool(&["check", "rules", &rules.path().to_string_lossy()], b"");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{file}: {errors}");
    }
}

#[test]
fn every_panel_is_described_and_none_covers_another() {
    for (file, dashboard) in dashboards() {
        let panels = panels(&dashboard);
        let ids: BTreeSet<u64> = panels.iter().map(|panel| number(&panel["id"])).collect();
        assert_eq!(ids.len(), panels.len(), "{file}: ids are unique");
        for (place, panel) in panels.iter().enumerate() {
            let title = text(&panel["title"]);
            let [left, width] = ["x", "w"].map(|key| number(&panel["gridPos"][key]));
            assert!(
                width > 0 && left + width <= 24,
                "{file}: {title} is outside the grid"
            );
            for other in &panels[..place] {
                let name = text(&other["title"]);
                assert!(!covers(panel, other), "{file}: {title} covers {name}");
            }
            if panel["type"] != "row" {
                check_panel(panel, &file);
            }
        }
    }
}

#[test]
fn dashboards_take_any_data_source_and_any_job() {
    for (file, dashboard) in dashboards() {
        assert_eq!(dashboard["id"], Value::Null, "{file}");
        assert!(!text(&dashboard["uid"]).is_empty(), "{file}");
        let variables = dashboard["templating"]["list"].as_array().expect("a list");
        let names: Vec<&str> = variables
            .iter()
            .map(|variable| text(&variable["name"]))
            .collect();
        assert!(
            names.starts_with(&["datasource", "job"]),
            "{file}: {names:?}"
        );
        for (title, query, _) in panel_queries(&dashboard) {
            for selector in query.split('{').skip(1) {
                assert!(selector.starts_with("job=~"), "{file}: {title}: {query}");
            }
        }
    }
}

fn check_panel(panel: &Value, file: &str) {
    let title = text(&panel["title"]);
    assert!(!title.is_empty(), "{file}: a panel without title");
    assert!(
        text(&panel["description"]).ends_with('.'),
        "{file}: {title}: description"
    );
    let unit = text(&panel["fieldConfig"]["defaults"]["unit"]);
    assert!(!unit.is_empty(), "{file}: {title}: unit");
    let targets = panel["targets"].as_array().expect("a list of targets");
    let references: BTreeSet<&str> = targets
        .iter()
        .map(|target| text(&target["refId"]))
        .collect();
    assert_eq!(
        references.len(),
        targets.len(),
        "{file}: {title}: refIds are unique"
    );
    assert!(!targets.is_empty(), "{file}: {title}: no query");
    for target in targets {
        assert!(
            !text(&target["legendFormat"]).is_empty(),
            "{file}: {title}: legend"
        );
    }
    for asker in targets.iter().chain([panel]) {
        assert_eq!(
            asker["datasource"]["uid"], "${datasource}",
            "{file}: {title}"
        );
    }
}

fn covers(one: &Value, other: &Value) -> bool {
    let span = |panel: &Value, from: &str, length: &str| {
        let from = number(&panel["gridPos"][from]);
        from..from + number(&panel["gridPos"][length])
    };
    [("x", "w"), ("y", "h")].into_iter().all(|(from, length)| {
        let (a, b) = (span(one, from, length), span(other, from, length));
        a.start < b.end && b.start < a.end
    })
}

/// Asserts that the series exist, that each matcher and grouping names a label they have, and that
/// rates are taken of what only grows.
fn check_names(series: &Series, query: &str, place: &str) {
    let selectors = selectors(query);
    assert!(!selectors.is_empty(), "{place}: no series in {query}");
    for (name, matchers) in &selectors {
        let Some(labels) = series.get(name) else {
            panic!("{place}: no series {name}")
        };
        for label in matchers {
            let known = labels.contains(label) || SCRAPE_LABELS.contains(&label.as_str());
            assert!(known, "{place}: {name} has no label {label}");
        }
    }
    let known = labels_of(series, query);
    for label in grouping(query) {
        assert!(
            known.contains(&label),
            "{place}: no series has {label} in {query}"
        );
    }
    for function in ["rate(", "increase("] {
        for argument in query.split(function).skip(1) {
            let name = argument
                .split(['{', '[', ')'])
                .next()
                .unwrap_or_default()
                .trim();
            let grows = ["_total", "_bucket", "_sum", "_count"];
            assert!(
                grows.iter().any(|end| name.ends_with(end)),
                "{place}: {function}{name}"
            );
        }
    }
}

/// All labels that any series of the query may have.
fn labels_of(series: &Series, query: &str) -> BTreeSet<String> {
    let scraped = SCRAPE_LABELS.iter().map(|label| (*label).to_owned());
    let names = selectors(query).into_iter().map(|(name, _)| name);
    scraped
        .chain(
            names
                .filter_map(|name| series.get(&name))
                .flatten()
                .cloned(),
        )
        .collect()
}

/// Names of series in an expression, with the labels they are matched by.
fn selectors(query: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    let mut rest = query;
    while let Some(at) = rest.find("signloop_") {
        // A recorded series has its level before the name.
        let level = rest[..at]
            .rfind(|c: char| !is_name(c))
            .map_or(0, |before| before + 1);
        let end = at + rest[at..].find(|c| !is_name(c)).unwrap_or(rest.len() - at);
        let name = rest[level..end].to_owned();
        rest = &rest[end..];
        let matchers = rest.strip_prefix('{').map_or(Vec::new(), matched_labels);
        found.push((name, matchers));
    }
    found
}

/// Labels of `a="…",b=~"…"}…`, which may hold commas and braces inside quotes.
fn matched_labels(text: &str) -> Vec<String> {
    let mut labels = Vec::new();
    let mut quoted = false;
    let mut name = String::new();
    for character in text.chars() {
        match character {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '}' => break,
            ',' => name.clear(),
            '=' | '!' if !name.is_empty() => labels.push(std::mem::take(&mut name)),
            _ if is_name(character) => name.push(character),
            _ => {}
        }
    }
    labels
}

/// Labels of every `by (…)` and `on (…)`.
fn grouping(query: &str) -> Vec<String> {
    let words = ["by (", "on ("]
        .into_iter()
        .flat_map(|word| query.split(word).skip(1));
    let lists = words.filter_map(|text| text.split(')').next());
    lists
        .flat_map(|list| list.split(',').map(|label| label.trim().to_owned()))
        .collect()
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_' || character == ':'
}

/// What the program exposes and what the rules record.
fn known_series() -> Series {
    let mut series = Series::new();
    for line in exposition().lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap_or_default();
        let labels = line[name.len()..]
            .strip_prefix('{')
            .map_or(Vec::new(), matched_labels);
        series.entry(name.to_owned()).or_default().extend(labels);
    }
    for (name, expression) in rules() {
        if name.contains(':') {
            series.insert(name, grouping(&expression).into_iter().collect());
        }
    }
    series
}

/// Name and expression of every shipped rule.
fn rules() -> Vec<(String, String)> {
    let mut rules: Vec<(String, String)> = Vec::new();
    let mut in_expression = false;
    for line in read(RULES)
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
    {
        let (indent, line) = (line.len() - line.trim_start().len(), line.trim());
        let name = line
            .strip_prefix("- record: ")
            .or(line.strip_prefix("- alert: "));
        if let Some(name) = name {
            rules.push((name.to_owned(), String::new()));
            in_expression = false;
        } else if let Some((_, expression)) = rules.last_mut() {
            if let Some(first) = line.strip_prefix("expr: ") {
                in_expression = true;
                expression.push_str(first.trim_start_matches('|'));
            } else if indent <= 8 {
                in_expression = false;
            } else if in_expression {
                expression.push(' ');
                expression.push_str(line);
            }
        }
    }
    rules
}

/// Every shipped dashboard with the name of its file.
fn dashboards() -> Vec<(String, Value)> {
    let entries = fs::read_dir(shipped("dashboards")).expect("the folder is shipped");
    let files = entries.map(|entry| entry.expect("an entry").path());
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let dashboards: Vec<_> = files
        .map(|path| {
            let name = path.display().to_string();
            let text = fs::read_to_string(&path).expect("the dashboard is readable");
            let dashboard = serde_json::from_str(&text);
            let dashboard = dashboard.unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, dashboard)
        })
        .collect();
    assert!(!dashboards.is_empty(), "there are dashboards");
    dashboards
}

fn panels(dashboard: &Value) -> &[Value] {
    dashboard["panels"].as_array().expect("a list of panels")
}

/// Title of the panel, query, legend.
fn panel_queries(dashboard: &Value) -> Vec<(String, String, String)> {
    let queries = panels(dashboard).iter().flat_map(|panel| {
        let targets = panel["targets"].as_array().into_iter().flatten();
        targets.map(|target| {
            let title = text(&panel["title"]).to_owned();
            let legend = text(&target["legendFormat"]).to_owned();
            (title, substituted(text(&target["expr"])), legend)
        })
    });
    queries.collect()
}

/// Every query of panels, annotations and variables.
fn queries(dashboard: &Value) -> Vec<String> {
    let annotations = dashboard["annotations"]["list"].as_array().expect("a list");
    let annotations = annotations
        .iter()
        .filter_map(|one| one["target"]["expr"].as_str());
    let variables = dashboard["templating"]["list"].as_array().expect("a list");
    let variables = variables
        .iter()
        .filter_map(|one| one["query"]["query"].as_str());
    let series = variables.map(|query| {
        let arguments = query
            .strip_prefix("label_values(")
            .and_then(|q| q.strip_suffix(')'));
        let arguments = arguments.unwrap_or_else(|| panic!("not label_values: {query}"));
        let (series, label) = arguments.rsplit_once(',').expect("a series and a label");
        format!("sum by ({}) ({series})", label.trim())
    });
    let others = annotations
        .map(str::to_owned)
        .chain(series)
        .map(|query| substituted(&query));
    panel_queries(dashboard)
        .into_iter()
        .map(|(_, query, _)| query)
        .chain(others)
        .collect()
}

/// A query as the data source would send it.
fn substituted(query: &str) -> String {
    let mut query = query.to_owned();
    for (variable, value) in [
        ("$__rate_interval", "5m"),
        ("$__range", "24h"),
        ("$job", ".+"),
        ("$batch", ".+"),
    ] {
        query = query.replace(variable, value);
    }
    assert!(!query.contains('$'), "an unknown variable in {query}");
    query
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no whole number"))
}
