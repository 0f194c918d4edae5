//! Every key of the configuration, named once: what the reader knows, what the environment may set, what a
//! misspelt name is compared with, and what `docs/CONFIG.md` must describe.

use Kind::{Boolean, Integer, Table, TableList, Text, TextList};

/// The shape of a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Boolean,
    /// One text, or a list of them.
    TextList,
    Table,
    TableList,
}

/// One key of a section.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// False for a key of the final product that this build knows but cannot honour: it is refused by name,
    /// because a setting that is silently ignored (a certificate, a limit) would fail open.
    pub(super) available: bool,
}

/// A section of the file: its header as one writes it, and its keys.
#[derive(Debug)]
pub(super) struct Section {
    /// `[route.match]`, `[[upstream]]`; empty for the top level.
    pub(super) header: &'static str,
    pub(super) keys: &'static [Key],
}

impl Section {
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

const fn key(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, available: true }
}

const fn later(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, available: false }
}

/// What stands before the first header. Each key that is no table has a twin in the environment.
pub(super) static TOP: Section = Section {
    header: "",
    keys: &[
        key("ip", Text),
        key("port", Integer),
        key("thread_count", Integer),
        key("log_format", Text),
        key("access_log", Boolean),
        key("metrics", Boolean),
        key("http2", Boolean),
        key("root", Text),
        key("request_body_bytes_max", Integer),
        key("head_timeout_ms", Integer),
        key("idle_timeout_ms", Integer),
        key("shutdown_timeout_ms", Integer),
        key("drain_delay_ms", Integer),
        key("connections_per_ip_max", Integer),
        key("connections_per_ip_loopback", Boolean),
        key("trusted_proxies", TextList),
        key("client_ip_field", Text),
        key("request_id", Boolean),
        key("upstream", TableList),
        key("route", TableList),
        later("tls_cert_file", Text),
        later("tls_key_file", Text),
        later("tls_client_ca_file", Text),
        later("http_redirect_port", Integer),
        later("cors", Table),
        later("virtual_host", TableList),
        later("middleware", Table),
        later("tcp_proxy", TableList),
        later("udp_proxy", TableList),
    ],
};

/// `[[upstream]]`.
pub(super) static UPSTREAM: Section = Section {
    header: "[[upstream]]",
    keys: &[
        key("name", Text),
        key("strategy", Text),
        key("backends", TextList),
        later("health_check", Table),
    ],
};

/// `[[route]]`.
pub(super) static ROUTE: Section = Section {
    header: "[[route]]",
    keys: &[key("name", Text), key("match", Table), key("action", Table), later("middleware", Table)],
};

/// `[route.match]`.
pub(super) static MATCH: Section = Section {
    header: "[route.match]",
    keys: &[key("host", Text), key("path", Text), key("method", TextList), later("content_type", Text)],
};

/// `[route.action]`. Which of these go with which `type` is said in `action.rs`.
pub(super) static ACTION: Section = Section {
    header: "[route.action]",
    keys: &[
        key("type", Text),
        key("root", Text),
        key("index", Text),
        key("directory_listing", Boolean),
        key("status", Integer),
        key("body", Text),
        key("content_type", Text),
        key("location", Text),
        key("upstream", Text),
        key("proxy", Table),
    ],
};

/// `[route.action.proxy]`.
pub(super) static PROXY: Section = Section {
    header: "[route.action.proxy]",
    keys: &[
        key("connect_timeout_ms", Integer),
        key("read_timeout_ms", Integer),
        key("strip_path_prefix", Text),
        key("add_path_prefix", Text),
        key("upstream_scheme", Text),
    ],
};

/// All sections, in the order of the documentation.
pub(super) static SECTIONS: [&Section; 6] = [&TOP, &UPSTREAM, &ROUTE, &MATCH, &ACTION, &PROXY];

/// What every environment name of ours begins with.
pub(super) const ENVIRONMENT_PREFIX: &str = "RWS_CONFIG_";

/// An older name of the body limit, still honoured.
pub(super) const BODY_LIMIT_ALIAS: &str = "RWS_CONFIG_REQUEST_ALLOCATION_SIZE_IN_BYTES";

/// Whether a key can be given as one environment variable.
pub(super) fn has_environment_twin(key: &Key) -> bool {
    match key.kind {
        Text | Integer | Boolean | TextList => true,
        Table | TableList => false,
    }
}

/// The environment name of a top-level key: `port` is `RWS_CONFIG_PORT`.
pub(super) fn environment_name(key: &Key) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", key.name.to_ascii_uppercase())
}
