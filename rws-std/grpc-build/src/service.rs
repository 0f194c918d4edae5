//! The text of a trait and of its registration.

use core::fmt::Write;

use prost_build::{Method, Service, ServiceGenerator};

#[derive(Debug)]
pub(crate) struct Generator;

impl ServiceGenerator for Generator {
    fn generate(&mut self, service: Service, out: &mut String) {
        // Writing to a string does not fail.
        let _ = write(&service, out);
    }
}

fn write(service: &Service, out: &mut String) -> core::fmt::Result {
    let Service { name, proto_name, package, .. } = service;
    let full = if package.is_empty() { proto_name.clone() } else { format!("{package}.{proto_name}") };
    comment(&service.comments.leading, "", out)?;
    writeln!(out, "pub trait {name}: Send + Sync + 'static {{")?;
    for method in &service.methods {
        declare(method, out)?;
    }
    writeln!(out, "}}\n")?;
    writeln!(out, "/// `{full}`, answered by `implementation`.")?;
    writeln!(out, "pub fn {}(implementation: impl {name}) -> ::rws_std::grpc::Service {{", snake(name))?;
    writeln!(out, "    let implementation = ::std::sync::Arc::new(implementation);")?;
    writeln!(out, "    let service = ::rws_std::grpc::Service::new(\"{full}\");")?;
    for method in &service.methods {
        let kind = kind(method);
        writeln!(out, "    let this = ::std::sync::Arc::clone(&implementation);")?;
        writeln!(
            out,
            "    let service = service.{kind}(\"{}\", move |request| this.{}(request));",
            method.proto_name, method.name
        )?;
    }
    writeln!(out, "    drop(implementation);\n    service\n}}\n")
}

fn declare(method: &Method, out: &mut String) -> core::fmt::Result {
    let Method { name, input_type, output_type, client_streaming, server_streaming, .. } = method;
    let request = if *client_streaming {
        format!("::rws_std::grpc::Incoming<{input_type}>")
    } else {
        input_type.clone()
    };
    let response = if *server_streaming {
        format!("::rws_std::grpc::Streamed<{output_type}>")
    } else {
        output_type.clone()
    };
    comment(&method.comments.leading, "    ", out)?;
    writeln!(out, "    fn {name}(")?;
    writeln!(out, "        &self,")?;
    writeln!(out, "        request: ::rws_std::grpc::Request<{request}>,")?;
    writeln!(
        out,
        "    ) -> ::core::result::Result<::rws_std::grpc::Response<{response}>, ::rws_std::grpc::Status> {{"
    )?;
    writeln!(out, "        drop(request);")?;
    writeln!(out, "        Err(::rws_std::grpc::Status::unimplemented(\"this method has no function\"))")?;
    writeln!(out, "    }}")
}

fn comment(lines: &[String], indent: &str, out: &mut String) -> core::fmt::Result {
    for line in lines.iter().flat_map(|lines| lines.lines()) {
        writeln!(out, "{indent}///{line}")?;
    }
    Ok(())
}

const fn kind(method: &Method) -> &'static str {
    match (method.client_streaming, method.server_streaming) {
        (false, false) => "unary",
        (true, false) => "client_streaming",
        (false, true) => "server_streaming",
        (true, true) => "bidirectional",
    }
}

/// `SayHello` as `say_hello`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(name: &str, client_streaming: bool, server_streaming: bool) -> Method {
        Method {
            name: snake(name),
            proto_name: name.into(),
            comments: Default::default(),
            input_type: "In".into(),
            output_type: "Out".into(),
            input_proto_type: ".a.In".into(),
            output_proto_type: ".a.Out".into(),
            options: Default::default(),
            client_streaming,
            server_streaming,
        }
    }

    #[test]
    fn each_kind_of_method_has_its_types_and_its_registration() {
        let methods = vec![
            method("One", false, false),
            method("Sum", true, false),
            method("List", false, true),
            method("Chat", true, true),
        ];
        let service = Service {
            name: "RoundTrip".into(),
            proto_name: "RoundTrip".into(),
            package: "a.b".into(),
            comments: Default::default(),
            methods,
            options: Default::default(),
        };
        let mut text = String::new();
        Generator.generate(service, &mut text);
        for expected in [
            "pub trait RoundTrip: Send + Sync + 'static {",
            "pub fn round_trip(implementation: impl RoundTrip)",
            "Service::new(\"a.b.RoundTrip\")",
            "service.unary(\"One\", move |request| this.one(request))",
            "service.client_streaming(\"Sum\"",
            "service.server_streaming(\"List\"",
            "service.bidirectional(\"Chat\"",
            "Request<::rws_std::grpc::Incoming<In>>",
            "Response<::rws_std::grpc::Streamed<Out>>",
        ] {
            assert!(text.contains(expected), "{expected} is not in {text}");
        }
    }
}
