//! Whether Dovetail decides what Karpenter decides, and at what price. Karpenter is not deterministic and neither is a
//! tie between two zones, so plans are not compared claim by claim: a plan must keep the rules, place what Karpenter
//! places, and cost no more.
//!
//! The corpus is kept as data with Karpenter's answers, so that the tests need neither Go nor a network; `upstream/`, a
//! Go program around Karpenter's own scheduler, answers new scenarios.

pub mod answer;
pub mod bench;
pub mod benchmark;
pub mod corpus;
pub mod fuzz;
pub mod generate;
pub mod judge;
pub mod packing;
pub mod translate;
pub mod upstream;
