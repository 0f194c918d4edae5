//! Every limit of the engine, with its unit in its name.

/// All limits of one listener or client.
///
/// Two presets: [`Limits::SERVER`] and [`Limits::DEVICE`]. A limit that is hit is an answer (408, 413, 414,
/// 431, 503, or a close), never a stall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A request or response head, from its first byte to the empty line: bytes. At most 65,535. 431.
    pub head_bytes_max: u16,
    /// Field lines in one head or trailer section. 431.
    pub fields_max: u16,
    /// The request target: bytes. 414.
    pub target_bytes_max: u16,
    /// A response head as we encode it: bytes; `transmit` asks for a head only with this much room.
    pub response_head_bytes_max: u16,
    /// A trailer section: bytes.
    pub trailer_bytes_max: u16,
    /// A request body, whoever takes it: bytes. 413.
    ///
    /// [`Limits::SERVER`] has none here, on purpose: a body that is passed on as it comes costs a window of
    /// memory, whatever its length. Whoever collects bodies in memory has a limit of its own (an `App` of
    /// `rws-std` takes 2 MiB by default, a layer says how much it needs), and
    /// [`BodyLimitLayer`](crate::middleware::BodyLimitLayer) or a route sets one for what is streamed. Give
    /// one here to bound all of them at once.
    pub body_bytes_max: u64,
    /// Body bytes a peer may send before the first `grant`.
    pub body_window_bytes: u32,
    /// Extension bytes of one chunk-size line.
    pub chunk_extension_bytes_max: u16,
    /// Chunk framing that a body may spend beyond its content: bytes per content byte is capped at 1
    /// after this many bytes of framing.
    pub chunk_overhead_bytes_max: u32,
    /// Interim (1xx) responses accepted before a final one (client), or sent (server).
    pub interim_max: u8,
    /// Empty lines skipped before a request line (RFC 9112 §2.2).
    pub leading_empty_lines_max: u8,
    /// Requests answered on one connection before it is closed; 0 means no cap.
    pub requests_per_connection_max: u32,
    /// From accept to the first byte of the first request: µs.
    pub first_byte_timeout_us: u64,
    /// From the first byte of a head to its end: µs. 408.
    pub head_timeout_us: u64,
    /// How long a client holds a body back for a `100 (Continue)` (RFC 9110 §10.1.1): µs.
    pub expect_timeout_us: u64,
    /// From the end of one exchange to the first byte of the next: µs.
    pub idle_timeout_us: u64,
    /// A body must bring at least this many bytes per second, counted after `rate_grace_us`;
    /// 0 means no such limit.
    pub body_rate_min_bytes_per_s: u32,
    /// A peer must take at least this many response bytes per second, counted after `rate_grace_us`;
    /// 0 means no such limit.
    pub write_rate_min_bytes_per_s: u32,
    /// How long a body or a response may stand still, or run below its rate: µs.
    pub rate_grace_us: u64,
    /// After a refusal: how long what the peer still sends is read and dropped before the close: µs.
    pub linger_timeout_us: u64,
    /// After a refusal: how much of it is read and dropped at most: bytes.
    pub linger_bytes_max: u32,
    /// Accept the CONNECT method (off by default, and always on targets without an operating system).
    pub connect_method: bool,
    /// HTTP/2: streams that a peer may have open at once; more are refused (REFUSED_STREAM).
    pub streams_max: u16,
    /// HTTP/2: body bytes that a peer may send on all streams together before the driver has taken any. At least 65,535,
    /// which every connection begins with.
    pub connection_window_bytes: u32,
    /// HTTP/2: a field block as it is sent, before it is decoded: bytes. A longer one ends the connection. A driver's
    /// receive buffer holds one, and 9 bytes more.
    pub header_block_bytes_max: u16,
    /// HTTP/2: the table that field blocks are decoded with: bytes.
    pub header_table_bytes_max: u16,
    /// HTTP/2: CONTINUATION frames of one field block. More end the connection.
    pub continuation_frames_max: u8,
    /// HTTP/2: streams that a peer may reset in a minute, or make us reset or refuse, beyond those that it completes.
    /// More end the connection (ENHANCE_YOUR_CALM).
    pub resets_per_minute_max: u16,
    /// HTTP/2: frames that are no part of a message which a peer may send in a minute, beyond those that messages and
    /// content pay for, four each. More end the connection (ENHANCE_YOUR_CALM).
    pub control_frames_per_minute_max: u16,
    /// HTTP/2: from our SETTINGS to their acknowledgement: µs.
    pub settings_timeout_us: u64,
    /// HTTP/2: from the warning that a server goes to the last stream that it takes: µs, at most.
    pub drain_timeout_us: u64,
    /// HTTP/2, client role: how long a server may be silent while requests are under way before it is asked by PING
    /// whether it is still there: µs; 0 means never. Some servers take more than one in five minutes for a flood.
    pub ping_interval_us: u64,
    /// HTTP/2, client role: from that PING to any frame of the server's, without which the connection is dead: µs.
    pub ping_timeout_us: u64,
    /// HTTP/2: answers pushed beside one that was asked for; 0 means that none is.
    pub pushes_max: u8,
}

impl Limits {
    /// For a server with memory to spare.
    pub const SERVER: Limits = Limits {
        head_bytes_max: 32 * 1024,
        fields_max: 128,
        target_bytes_max: 8 * 1024,
        response_head_bytes_max: 16 * 1024,
        trailer_bytes_max: 8 * 1024,
        body_bytes_max: u64::MAX,
        body_window_bytes: 64 * 1024,
        chunk_extension_bytes_max: 256,
        chunk_overhead_bytes_max: 16 * 1024,
        interim_max: 16,
        leading_empty_lines_max: 1,
        requests_per_connection_max: 0,
        first_byte_timeout_us: 10_000_000,
        head_timeout_us: 10_000_000,
        expect_timeout_us: 1_000_000,
        idle_timeout_us: 75_000_000,
        body_rate_min_bytes_per_s: 240,
        write_rate_min_bytes_per_s: 240,
        rate_grace_us: 10_000_000,
        linger_timeout_us: 2_000_000,
        linger_bytes_max: 256 * 1024,
        connect_method: false,
        streams_max: 100,
        connection_window_bytes: 1024 * 1024,
        header_block_bytes_max: 32 * 1024,
        header_table_bytes_max: 4096,
        continuation_frames_max: 16,
        resets_per_minute_max: 400,
        control_frames_per_minute_max: 4000,
        settings_timeout_us: 10_000_000,
        drain_timeout_us: 1_000_000,
        ping_interval_us: 330_000_000,
        ping_timeout_us: 20_000_000,
        pushes_max: 8,
    };

    /// For a microcontroller: everything fits buffers of about a kilobyte.
    pub const DEVICE: Limits = Limits {
        head_bytes_max: 1024,
        fields_max: 24,
        target_bytes_max: 256,
        response_head_bytes_max: 256,
        trailer_bytes_max: 256,
        body_bytes_max: 64 * 1024,
        body_window_bytes: 512,
        chunk_extension_bytes_max: 32,
        chunk_overhead_bytes_max: 512,
        interim_max: 2,
        requests_per_connection_max: 0,
        linger_bytes_max: 4 * 1024,
        streams_max: 4,
        connection_window_bytes: 65_535,
        header_block_bytes_max: 1024,
        header_table_bytes_max: 1024,
        continuation_frames_max: 4,
        resets_per_minute_max: 60,
        control_frames_per_minute_max: 400,
        pushes_max: 0,
        ..Limits::SERVER
    };
}
