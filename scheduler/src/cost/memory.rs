//! What is worth knowing again in the next round of the same cluster.

/// Patterns that filled nodes well. Deployments recur, and so do they. An empty memory is as good as any to begin with, and
/// what is remembered changes how fast a plan is found, never what is a plan.
#[derive(Clone, Debug, Default)]
pub struct Memory {}
