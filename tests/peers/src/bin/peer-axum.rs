//! axum on one thread.

use axum::{Router, routing::get};

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(rws_peers::listener()).expect("a listener");
        let app = Router::new()
            .route("/", get(|| async { rws_peers::HELLO }))
            .route("/hello/{name}", get(|| async { rws_peers::HELLO }));
        axum::serve(listener, app).await.expect("axum serves until it is stopped");
    });
}
