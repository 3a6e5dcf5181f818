//! Behaviour tests: one binary, one module per behaviour.

mod sources;
