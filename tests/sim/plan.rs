//! What a seed decides beforehand: how the world is, and what both sides of each exchange will say and do.

use rws_core::connection::BodyPlan;
use rws_core::message::OwnedFields;
use rws_core::{FieldBlock, Limits};

use crate::dice::Dice;

/// Field lines as names in lower case and values.
pub(crate) type Lines = Vec<(String, Vec<u8>)>;

/// How a world is.
#[derive(Clone, Debug)]
pub(crate) struct Nature {
    /// Nothing goes wrong but what an exchange itself plans.
    pub(crate) calm: bool,
    pub(crate) limits: Limits,
    /// The windows up and down: bytes.
    pub(crate) windows: [usize; 2],
    /// The most that one read takes.
    pub(crate) read_max: usize,
    /// The least that `transmit` is lent.
    pub(crate) tx_bytes: usize,
    /// The client's and the server's reads fail to happen so often: once in so many they do.
    pub(crate) lazy: [u64; 2],
    /// A fault once in so many steps; 0 is never.
    pub(crate) fault_in: u64,
    pub(crate) exchanges: usize,
    /// The longest body: bytes.
    pub(crate) body_max: usize,
}

impl Nature {
    pub(crate) fn new(dice: &mut Dice, calm: bool) -> Nature {
        let narrow = dice.one_in(4);
        let window = |dice: &mut Dice| if narrow { 1 + dice.roll(2) as usize } else { dice.size(20_000) };
        let limits = Limits {
            response_head_bytes_max: dice.pick(&[512, 700, 2048]),
            body_window_bytes: dice.pick(&[1, 8, 64, 1000, 64 * 1024]),
            requests_per_connection_max: dice.pick(&[0, 0, 0, 1, 3]),
            linger_bytes_max: dice.pick(&[0, 300, 256 * 1024]),
            interim_max: 4,
            // Sources here give single bytes; that this is too dear has tests of its own.
            chunk_overhead_bytes_max: 1 << 30,
            ..Limits::SERVER
        };
        Nature {
            calm,
            limits,
            windows: [window(dice), window(dice)],
            read_max: dice.size(8000),
            tx_bytes: dice.pick(&[1, 64, 600, 4096, 40_000]),
            lazy: [dice.pick(&[1, 1, 1, 12]), dice.pick(&[1, 1, 1, 12])],
            fault_in: if calm { 0 } else { dice.pick(&[0, 100, 1000]) },
            exchanges: 1 + dice.roll(6) as usize,
            body_max: if narrow { 150 } else { dice.pick(&[50, 3000, 30_000]) },
        }
    }
}

/// When a server has its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    AtOnce,
    AfterBody,
    /// After the body, and after having been asked so often.
    Later(u32),
}

/// How credit is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grants {
    /// What was read, at once.
    AtOnce,
    /// What was read, some time.
    Late,
    /// All that can come, at the head.
    Ahead,
    /// None beyond the first window.
    Never,
}

#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) fields: OwnedFields,
    pub(crate) plan: BodyPlan,
    pub(crate) len: u64,
    pub(crate) salt: u64,
    pub(crate) trailers: OwnedFields,
    /// The most that one `fill` gives.
    pub(crate) piece: usize,
    /// Blocks once in so many calls; 0 is never.
    pub(crate) blocks_in: u64,
    /// Has the driver send a run once in so many calls.
    pub(crate) direct_in: u64,
    /// Cannot go on after so many bytes.
    pub(crate) aborts_at: Option<u64>,
}

impl Message {
    fn new(dice: &mut Dice, nature: &Nature, has_body: bool) -> Message {
        let len = if has_body && !dice.one_in(5) { dice.size(nature.body_max) as u64 } else { 0 };
        let plan = match dice.roll(3) {
            0 if len == 0 => BodyPlan::None,
            0 | 1 if has_body => BodyPlan::Sized(len),
            _ if has_body => BodyPlan::Streamed,
            _ => BodyPlan::None,
        };
        let trailers = if plan == BodyPlan::Streamed && dice.one_in(2) { 1 + dice.roll(3) } else { 0 };
        let fields = dice.roll(5);
        Message {
            fields: some_fields(dice, fields, false),
            plan,
            len,
            salt: dice.next(),
            trailers: some_fields(dice, trailers, true),
            piece: dice.size(5000),
            blocks_in: dice.pick(&[0, 0, 2, 9]),
            direct_in: dice.pick(&[0, 0, 0, 2, 5]),
            aborts_at: dice.one_in(16).then(|| dice.roll(len + 1)),
        }
    }

    /// The byte of the body at this place.
    pub(crate) fn byte(&self, at: u64) -> u8 {
        (self.salt.wrapping_add(at.wrapping_mul(0x9e37_79b9)) >> 13) as u8
    }

    /// Whether a source of this body gives up before its end.
    pub(crate) fn is_cut(&self) -> bool {
        self.aborts_at.is_some_and(|at| match self.plan {
            BodyPlan::None => false,
            BodyPlan::Sized(len) => at < len,
            BodyPlan::Streamed => true,
        })
    }
}

/// One exchange, both sides.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) request: Message,
    pub(crate) expect: bool,
    /// The client wants no more after this.
    pub(crate) close: bool,
    /// How often the client has no request yet when it is asked.
    pub(crate) parks: u32,
    pub(crate) interim: Vec<OwnedFields>,
    pub(crate) status: u16,
    pub(crate) answer: Message,
    pub(crate) when: When,
    pub(crate) server_grants: Grants,
    pub(crate) client_grants: Grants,
}

impl Exchange {
    pub(crate) fn new(dice: &mut Dice, nature: &Nature, index: usize) -> Exchange {
        let method =
            dice.pick(&["GET", "GET", "HEAD", "POST", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"]);
        let has_body = matches!(method, "POST" | "PUT" | "PATCH" | "BREW");
        let request = Message::new(dice, nature, has_body);
        let interim = dice.pick(&[0, 0, 0, 1, 3]);
        let when = match dice.roll(6) {
            0 | 1 => When::AtOnce,
            2..=4 => When::AfterBody,
            _ => When::Later(dice.roll(4) as u32),
        };
        Exchange {
            method,
            target: format!("/{index}?salt={:x}", dice.next()),
            expect: request.len > 0 && dice.one_in(4),
            request,
            close: dice.one_in(12),
            parks: dice.pick(&[0, 0, 1, 3]),
            interim: (0..interim).map(|_| some_fields(dice, 2, false)).collect(),
            status: dice.pick(&[200, 200, 200, 200, 201, 204, 205, 206, 304, 404, 413, 500]),
            answer: Message::new(dice, nature, true),
            when,
            server_grants: match when {
                When::AtOnce => dice.pick(&[Grants::AtOnce, Grants::Late, Grants::Never]),
                When::AfterBody | When::Later(_) => dice.pick(&[Grants::AtOnce, Grants::Late, Grants::Ahead]),
            },
            client_grants: dice.pick(&[Grants::AtOnce, Grants::Late, Grants::Ahead]),
        }
    }

    /// Whether the answer has a body on the wire.
    pub(crate) fn has_answer_body(&self) -> bool {
        self.method != "HEAD" && !matches!(self.status, 204 | 205 | 304)
    }

    /// Whether the answer breaks off before its end.
    pub(crate) fn is_answer_cut(&self) -> bool {
        self.has_answer_body() && self.answer.is_cut()
    }
}

/// Fields that the engine does not write itself; in a trailer section only names that it does not know.
fn some_fields(dice: &mut Dice, count: u64, trailing: bool) -> OwnedFields {
    const KNOWN: [&str; 5] = ["ETag", "cache-control", "Link", "X-Request-Id", "accept"];
    const VALUE: &[u8] = b"abcXYZ019 \t-_=;,\"/\xc3\xa9\xff!#$%&'()*+.<>?@[]^`{|}~:\\";
    let mut fields = OwnedFields::new();
    for _ in 0..count {
        let name = if trailing || dice.one_in(2) {
            format!("x-{}", "n".repeat(dice.size(20)))
        } else {
            dice.pick(&KNOWN).to_owned()
        };
        let len = dice.size(40);
        let value: Vec<u8> = (0..len).map(|_| dice.pick(VALUE)).collect();
        fields.push(&name[..], value.trim_ascii()).expect("made of what is allowed");
    }
    fields
}

/// The lines of a block, but for those that the engine adds.
pub(crate) fn lines(block: FieldBlock<'_>) -> Lines {
    const OURS: [&str; 6] = ["host", "content-length", "transfer-encoding", "expect", "connection", "date"];
    block
        .iter()
        .map(|(name, value)| (String::from_utf8_lossy(name.as_bytes()).to_ascii_lowercase(), value.to_vec()))
        .filter(|(name, _)| !OURS.contains(&&name[..]))
        .collect()
}
