//! actix-web with one worker.

use actix_web::{App, HttpResponse, HttpServer, http::header::ContentType, rt::System, web};

async fn hello() -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::plaintext()).body(rws_peers::HELLO)
}

fn main() -> std::io::Result<()> {
    System::new().block_on(
        HttpServer::new(|| {
            App::new().route("/", web::get().to(hello)).route("/hello/{name}", web::get().to(hello))
        })
        .workers(1)
        .max_connections(20_000)
        .backlog(4096)
        .bind(rws_peers::address())?
        .run(),
    )
}
