//! Disruption budgets: how many nodes may be disrupted at a time.
