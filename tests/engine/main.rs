//! Tests.

mod model;
