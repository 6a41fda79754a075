//! The server over a real socket, spoken to as a scraper would.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use tokio::task::JoinHandle;

use super::*;

struct Server {
    address: SocketAddr,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<io::Result<()>>,
}

impl Server {
    async fn start() -> Server {
        Server::start_draining(DRAIN_MAX).await
    }

    async fn start_draining(drain_max: Duration) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (metrics, health) = (Arc::new(Metrics::new()), Arc::new(Health::new()));
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async { stopped.await.unwrap() };
        let router = router(metrics.clone(), health.clone());
        let running = tokio::spawn(serve_router(listener, router, shutdown, drain_max));
        Server {
            address,
            metrics,
            health,
            stop,
            running,
        }
    }

    /// The client blocks the test's own thread; the server runs on another.
    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    /// Status, head in lower case, body.
    fn request(&self, method: &str, path: &str) -> (u16, String, String) {
        let mut stream = self.connect();
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_lowercase(), body.to_owned())
    }

    fn get(&self, path: &str) -> (u16, String, String) {
        self.request("GET", path)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn metrics_are_rendered_with_the_type_that_prometheus_expects() {
    let server = Server::start().await;
    server.metrics.set_lag("sign-ins", 3, 42);
    let (status, head, body) = server.get("/metrics");
    assert_eq!(status, 200);
    assert!(
        head.contains("content-type: text/plain; version=0.0.4"),
        "{head}"
    );
    assert!(
        body.contains("signloop_consumer_lag_records{partition=\"3\",topic=\"sign-ins\"} 42\n")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn health_and_readiness_follow_the_pipeline() {
    let server = Server::start().await;
    assert_eq!(server.get("/healthz").0, 200);
    let (status, _, body) = server.get("/readyz");
    assert_eq!(
        (status, body.contains("waiting for the source")),
        (503, true)
    );
    server.health.source_assigned();
    server.health.committing();
    let (status, _, body) = server.get("/readyz");
    assert_eq!((status, body.as_str()), (200, "ready\n"));
    server.health.failed("no space left on the device");
    for path in ["/healthz", "/readyz"] {
        let (status, _, body) = server.get(path);
        let sentence = "the pipeline failed: no space left on the device\n";
        assert_eq!((status, body.as_str()), (503, sentence));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_page_links_everything_and_escapes_what_it_shows() {
    let server = Server::start().await;
    server
        .health
        .failed("<script>alert(\"x\")</script> & 'more'");
    let (status, head, body) = server.get("/");
    assert_eq!(status, 200);
    assert!(
        head.contains("content-type: text/html; charset=utf-8"),
        "{head}"
    );
    let shown = "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;more&#39;";
    assert!(body.contains(shown) && !body.contains("<script"), "{body}");
    for path in ["/metrics", "/healthz", "/readyz"] {
        assert!(body.contains(&format!("href=\"{path}\"")), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_answer_carries_the_security_headers() {
    let server = Server::start().await;
    for (method, path, expected) in [
        ("GET", "/", 200),
        ("HEAD", "/metrics", 200),
        ("GET", "/nowhere", 404),
        ("GET", "/metrics/../etc", 404),
        ("POST", "/metrics", 405),
    ] {
        let (status, head, _) = server.request(method, path);
        assert_eq!(status, expected, "{method} {path}");
        for (name, value) in HEADERS {
            assert!(
                head.contains(&format!("{name}: {value}")),
                "{method} {path}: {head}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_client_that_never_finishes_does_not_hold_up_the_shutdown() {
    let server = Server::start_draining(Duration::from_millis(1)).await;
    let mut slow = server.connect();
    slow.write_all(b"GET /metrics HTTP/1.1\r\nHost:").unwrap();
    assert_eq!(server.get("/healthz").0, 200);
    server.stop.send(()).unwrap();
    server.running.await.unwrap().unwrap();
}
