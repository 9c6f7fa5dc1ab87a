//! Small builders for tests.
