//! RFC 9113, a file for each group of sections.

mod beginning;
mod closing;
mod concurrency;
mod connect;
mod connection_fields;
mod continuation;
mod data;
mod errors;
mod field_syntax;
mod flow_control;
mod format;
mod headers;
mod length;
mod malformed;
mod ping;
mod priority;
mod pseudo_fields;
mod responses;
mod rst_stream;
mod settings;
mod settings_values;
mod size;
mod states;
mod table_state;
mod window_update;
mod windows;

use crate::check::Check;

pub(crate) const CHECKS: &[&[Check]] = &[
    beginning::CHECKS,
    format::CHECKS,
    size::CHECKS,
    table_state::CHECKS,
    states::IDLE,
    states::HALF_CLOSED,
    states::CLOSED,
    concurrency::IDENTIFIERS,
    concurrency::CHECKS,
    flow_control::CHECKS,
    errors::CHECKS,
    errors::EXTENSIONS,
    data::CHECKS,
    headers::CHECKS,
    priority::CHECKS,
    rst_stream::CHECKS,
    settings::CHECKS,
    settings_values::CHECKS,
    ping::CHECKS,
    closing::CHECKS,
    window_update::CHECKS,
    windows::CHECKS,
    continuation::CHECKS,
    responses::CHECKS,
    length::CHECKS,
    malformed::CHECKS,
    field_syntax::CHECKS,
    connection_fields::CHECKS,
    pseudo_fields::GENERAL,
    pseudo_fields::REQUEST,
    connect::CHECKS,
];
