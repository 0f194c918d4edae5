//! The sans-IO engine.
#![no_std]
