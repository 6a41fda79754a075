//! The HTTP server: `/metrics`, `/healthz`, `/readyz` and a page that links to them.
//!
//! Owns the routes and the headers that every answer carries. It answers whoever reaches the listener:
//! binding that, and to which address, is the caller's part, as are TLS and who may ask.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::map_response;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::health::Health;
use crate::metrics::{self, Metrics};

/// How long requests under way may take after the shutdown: a slow reader must not hold up the end.
const DRAIN_MAX: Duration = Duration::from_secs(5);

const HEADERS: [(HeaderName, &str); 4] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "no-referrer"),
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    ),
];

#[derive(Clone)]
struct Shown {
    metrics: Arc<Metrics>,
    health: Arc<Health>,
}

/// Answers on this listener until `shutdown` completes, then ends what is under way and returns.
pub async fn serve(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_router(listener, router(metrics, health), shutdown, DRAIN_MAX).await
}

async fn serve_router(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
    drain_max: Duration,
) -> io::Result<()> {
    let (ending, ended) = oneshot::channel();
    let shutdown = async move {
        shutdown.await;
        // Nobody listens only when the server itself has failed.
        let _ = ending.send(());
    };
    let drained = async move {
        match ended.await {
            Ok(()) => tokio::time::sleep(drain_max).await,
            Err(_) => std::future::pending().await,
        }
    };
    let server = axum::serve(listener, router).with_graceful_shutdown(shutdown);
    tokio::select! {
        result = server => result,
        () = drained => Ok(()),
    }
}

fn router(metrics: Arc<Metrics>, health: Arc<Health>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/metrics", get(exposition))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .fallback(not_found)
        .with_state(Shown { metrics, health })
        .layer(map_response(with_headers))
}

async fn exposition(State(shown): State<Shown>) -> impl IntoResponse {
    (
        [(CONTENT_TYPE, metrics::CONTENT_TYPE)],
        shown.metrics.render(),
    )
}

async fn healthz(State(shown): State<Shown>) -> Response {
    answer(shown.health.healthy(), "healthy")
}

async fn readyz(State(shown): State<Shown>) -> Response {
    answer(shown.health.ready(), "ready")
}

async fn not_found() -> (StatusCode, &'static str) {
    (
        StatusCode::NOT_FOUND,
        "there is nothing here; / lists what there is\n",
    )
}

fn answer(state: Result<(), String>, yes: &'static str) -> Response {
    match state {
        Ok(()) => format!("{yes}\n").into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn page(State(shown): State<Shown>) -> Html<String> {
    let state = shown
        .health
        .ready()
        .map_or_else(|why| why, |()| "ready".to_owned());
    Html(format!(
        "<!doctype html>\n\
         <html lang=\"en\">\n\
         <head><meta charset=\"utf-8\"><title>Signloop</title></head>\n\
         <body>\n\
         <h1>Signloop {version}</h1>\n\
         <p>State: {state}</p>\n\
         <ul>\n\
         <li><a href=\"/metrics\">/metrics</a>: metrics for Prometheus</li>\n\
         <li><a href=\"/healthz\">/healthz</a>: does the pipeline live?</li>\n\
         <li><a href=\"/readyz\">/readyz</a>: is it at work?</li>\n\
         </ul>\n\
         </body>\n\
         </html>\n",
        version = escaped(env!("CARGO_PKG_VERSION")),
        state = escaped(&state),
    ))
}

/// Text that is safe between tags and in quoted attributes.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(character),
        }
    }
    html
}

async fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests;
