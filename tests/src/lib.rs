//! Shared pieces of the integration suites.
