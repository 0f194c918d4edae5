//! The memory that a stack of layers may need for one request, and nothing before it needs it.
//!
//! ```text
//!   text + fields   a request head while its body is collected; later the answer's head under edit
//!   body            the collected body, of the request or of the answer
//!   stage           what stands between two body filters, or before a hook that rewrites the request body
//! ```
//!
//! A [`Room`] is owned by the state of the exchange, so it is a board's static memory ([`Inline`]) or a
//! server's heap (`Heap`, feature `alloc`), and the logic over it is the same.

use crate::Field;

/// Memory for one request. Starts empty; `reserve_*` are called before the memory is used.
///
/// Every request is a wish: what there is afterwards is what [`Room::memory`] says, and too little becomes
/// an answer (413, 431, 500), never a fault. What was written before stays, at its place.
pub trait Room: Default {
    /// At least `bytes` of text and `fields` field slots.
    fn reserve_head(&mut self, bytes: usize, fields: usize);

    /// At least `bytes` of body.
    fn reserve_body(&mut self, bytes: usize);

    /// Some bytes for each of `pieces` filters.
    fn reserve_stage(&mut self, pieces: usize);

    /// The memory.
    fn memory(&mut self) -> Memory<'_>;
}

/// The parts of a [`Room`], side by side.
#[derive(Debug, Default)]
pub struct Memory<'m> {
    /// Bytes of a head.
    pub text: &'m mut [u8],
    /// Field slots of a head.
    pub fields: &'m mut [Field],
    /// Bytes of a body.
    pub body: &'m mut [u8],
    /// Bytes between filters.
    pub stage: &'m mut [u8],
}

/// No memory: for stacks that only look, stamp requests and reply.
impl Room for () {
    fn reserve_head(&mut self, _bytes: usize, _fields: usize) {}
    fn reserve_body(&mut self, _bytes: usize) {}
    fn reserve_stage(&mut self, _pieces: usize) {}
    fn memory(&mut self) -> Memory<'_> {
        Memory::default()
    }
}

/// Memory inside the state: `TEXT` bytes and `FIELDS` slots for a head, `BODY` bytes, `STAGE` bytes.
///
/// A part is cleared when it is first used, not when the request begins.
#[derive(Clone, Debug, Default)]
pub struct Inline<const TEXT: usize, const FIELDS: usize, const BODY: usize, const STAGE: usize> {
    head: Option<([u8; TEXT], [Field; FIELDS])>,
    body: Option<[u8; BODY]>,
    stage: Option<[u8; STAGE]>,
}

impl<const TEXT: usize, const FIELDS: usize, const BODY: usize, const STAGE: usize> Room
    for Inline<TEXT, FIELDS, BODY, STAGE>
{
    fn reserve_head(&mut self, _bytes: usize, _fields: usize) {
        self.head.get_or_insert_with(|| ([0; TEXT], [Field::default(); FIELDS]));
    }
    fn reserve_body(&mut self, _bytes: usize) {
        self.body.get_or_insert([0; BODY]);
    }
    fn reserve_stage(&mut self, _pieces: usize) {
        self.stage.get_or_insert([0; STAGE]);
    }
    fn memory(&mut self) -> Memory<'_> {
        let (text, fields) = match &mut self.head {
            Some((text, fields)) => (text.as_mut_slice(), fields.as_mut_slice()),
            None => Default::default(),
        };
        Memory {
            text,
            fields,
            body: self.body.as_mut().map_or(&mut [], |body| body.as_mut_slice()),
            stage: self.stage.as_mut().map_or(&mut [], |stage| stage.as_mut_slice()),
        }
    }
}

/// The room of a board by default: a head of 512 bytes and 24 fields, bodies of 256 bytes, 64 bytes
/// between filters.
pub type DeviceRoom = Inline<512, 24, 256, 64>;

/// Memory on the heap, taken piece by piece as bytes come: an exchange that needs none allocates nothing.
#[cfg(feature = "alloc")]
#[derive(Debug, Default)]
pub struct Heap(Option<alloc::boxed::Box<HeapParts>>);

#[cfg(feature = "alloc")]
#[derive(Debug, Default)]
struct HeapParts {
    text: alloc::vec::Vec<u8>,
    fields: alloc::vec::Vec<Field>,
    body: alloc::vec::Vec<u8>,
    stage: alloc::vec::Vec<u8>,
}

/// Bytes that [`Heap`] gives each filter.
#[cfg(feature = "alloc")]
const HEAP_STAGE_BYTES: usize = 4096;

#[cfg(feature = "alloc")]
impl Heap {
    fn parts(&mut self) -> &mut HeapParts {
        self.0.get_or_insert_default()
    }

    /// How many bytes it holds.
    pub fn held_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |parts| {
            let fields = parts.fields.capacity().saturating_mul(size_of::<Field>());
            let bytes = [parts.text.capacity(), parts.body.capacity(), parts.stage.capacity()];
            bytes.iter().fold(fields, |sum, &more| sum.saturating_add(more))
        })
    }
}

#[cfg(feature = "alloc")]
impl Room for Heap {
    fn reserve_head(&mut self, bytes: usize, fields: usize) {
        let parts = self.parts();
        if parts.text.len() < bytes {
            parts.text.resize(bytes, 0);
        }
        if parts.fields.len() < fields {
            parts.fields.resize(fields, Field::default());
        }
    }
    fn reserve_body(&mut self, bytes: usize) {
        let body = &mut self.parts().body;
        if body.len() < bytes {
            let doubled = body.len().saturating_mul(2);
            body.resize(bytes.max(doubled), 0);
        }
    }
    fn reserve_stage(&mut self, pieces: usize) {
        let bytes = pieces.saturating_mul(HEAP_STAGE_BYTES);
        let stage = &mut self.parts().stage;
        if stage.len() < bytes {
            stage.resize(bytes, 0);
        }
    }
    fn memory(&mut self) -> Memory<'_> {
        let Some(parts) = &mut self.0 else { return Memory::default() };
        Memory {
            text: &mut parts.text,
            fields: &mut parts.fields,
            body: &mut parts.body,
            stage: &mut parts.stage,
        }
    }
}
