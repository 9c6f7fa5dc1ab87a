//! The cloud that the controller works with: the provider, and what the engine must know of what it sells. Which provider it
//! is was decided by the settings.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use dovetail_cloudprovider::provider::CloudProvider;
use dovetail_scheduler::requirement::Name;
use dovetail_scheduler::requirements::WellKnown;

/// A cloud.
pub struct Cloud {
    /// Who buys and ends machines.
    pub provider: Arc<dyn CloudProvider>,
    /// Label keys that new nodes may have although nothing defines them.
    pub well_known: WellKnown,
    /// The same as names, for the metrics of nodes.
    pub node_labels: Vec<String>,
    /// The label that names the capacity reservation of a reserved offering, if there are any.
    pub reservation_label: Option<Name>,
    /// What the provider must do once this replica leads, before anything else is done.
    pub on_lead: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}
