//! The cost policy's reckoning: which nodes hold the pods for the least money, and how little money that could be.

mod memory;

pub use memory::Memory;
