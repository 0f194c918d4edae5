//! A to-do list as JSON, shared by all handlers: `cargo run -p rws-std --example todo`, then
//!
//! ```text
//! $ curl -s http://127.0.0.1:8080/todos -H 'Content-Type: application/json' -d '{"text":"buy milk"}'
//! {"id":1,"text":"buy milk","done":false}
//! $ curl -s -X PUT http://127.0.0.1:8080/todos/1 -H 'Content-Type: application/json' -d '{"text":"buy milk","done":true}'
//! {"id":1,"text":"buy milk","done":true}
//! $ curl -s 'http://127.0.0.1:8080/todos?done=true&text=buy+milk'
//! [{"id":1,"text":"buy milk","done":true}]
//! $ curl -s -w '%{http_code}' -X DELETE http://127.0.0.1:8080/todos/1
//! 204
//! $ curl -s http://127.0.0.1:8080/todos/1
//! there is no such to-do
//! $ curl -s http://127.0.0.1:8080/todos/first
//! the path parameter `id` is malformed
//! $ curl -s http://127.0.0.1:8080/todos -d 'buy milk'
//! the body must be application/json
//! $ curl -s http://127.0.0.1:8080/todos -H 'Content-Type: application/json' -d '{"txet":"buy milk"}'
//! the body does not fit: line 1, column 19
//! ```

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rws_std::{App, Failure, Request, Response, Server, Status};
use serde::{Deserialize, Serialize};

/// How many to-dos there may be at once.
const TODOS_MAX: usize = 1_000;

#[derive(Clone, Serialize)]
struct Todo {
    id: u64,
    text: String,
    done: bool,
}

/// What clients send.
#[derive(Deserialize)]
struct Draft {
    text: String,
    #[serde(default)]
    done: bool,
}

/// What the handlers share.
#[derive(Default)]
struct List {
    todos: Mutex<BTreeMap<u64, Todo>>,
}

fn main() -> io::Result<()> {
    let app = App::with_state(List::default())
        .get("/todos", all)
        .post("/todos", add)
        .get("/todos/:id", one)
        .put("/todos/:id", change)
        .delete("/todos/:id", remove);
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    let server = Server::bind(address)?;
    println!("http://{}/todos", server.address());
    server.serve(app)
}

fn all(request: Request, list: &List) -> Response {
    let (done, text) = (request.query("done"), request.query("text"));
    let mut todos: Vec<Todo> = list.lock().values().cloned().collect();
    todos.retain(|todo| {
        done.as_ref().is_none_or(|done| todo.done == (done == "true"))
            && text.as_ref().is_none_or(|text| todo.text.contains(text.as_ref()))
    });
    Response::json(&todos)
}

fn add(request: Request, list: &List) -> Result<Response, Failure> {
    let draft: Draft = request.json()?;
    let mut todos = list.lock();
    if todos.len() >= TODOS_MAX {
        return Err(Failure::new(Status::INSUFFICIENT_STORAGE, "the list is full"));
    }
    let id = todos.last_key_value().map_or(1, |(last, _)| last + 1);
    let todo = Todo { id, text: draft.text, done: draft.done };
    let response = Response::json(&todo).status(Status::CREATED).field("Location", format!("/todos/{id}"));
    todos.insert(id, todo);
    Ok(response)
}

fn one(request: Request, list: &List) -> Result<Response, Failure> {
    let id: u64 = request.param_as("id")?;
    Ok(Response::json(list.lock().get(&id).ok_or_else(missing)?))
}

fn change(request: Request, list: &List) -> Result<Response, Failure> {
    let id: u64 = request.param_as("id")?;
    let draft: Draft = request.json()?;
    let mut todos = list.lock();
    let todo = todos.get_mut(&id).ok_or_else(missing)?;
    (todo.text, todo.done) = (draft.text, draft.done);
    Ok(Response::json(todo))
}

fn remove(request: Request, list: &List) -> Result<(), Failure> {
    let id: u64 = request.param_as("id")?;
    list.lock().remove(&id).ok_or_else(missing)?;
    Ok(())
}

fn missing() -> Failure {
    Failure::new(Status::NOT_FOUND, "there is no such to-do")
}

impl List {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Todo>> {
        // A handler that panicked left a whole list: each change is one step.
        self.todos.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
