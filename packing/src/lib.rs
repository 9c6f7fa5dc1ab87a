//! Research on packing: instances from files and generators as problems, what runs of policies on them come to, and pictures
//! of it.
//!
//! Everything here is a function of its input: which files there are, what the time is and who may print, the program
//! knows. A problem is solved by the scheduler's policies, the same that plan for clusters.

pub mod chart;
pub mod draw;
pub mod instance;
pub mod journal;
pub mod planted;
pub mod run;
pub mod statistics;
pub mod summary;
pub mod triplets;
pub mod vector;
pub mod wish;
