//! The receiving side, in pieces.
