//! Where requests leave for an upstream. Forwarding plugs in here and nowhere else.

use rws_core::Status;
use rws_core::message::RequestHead;
use rws_std::JobCx;

use super::answer::{Answer, Page};
use crate::config::ProxyAction;

/// Begins an exchange with an upstream.
pub(super) fn begin(_cx: &mut JobCx, _head: &RequestHead<'_>, _action: &ProxyAction) -> Answer {
    Page::text(Status::BAD_GATEWAY, "this build cannot reach the upstream\n").not_stored().into()
}
