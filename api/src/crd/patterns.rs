//! The regular expressions that the CRDs publish, under the names that the Karpenter specification (scheduling 1.1) gives
//! them. Each is the contract with the API server, which searches with RE2: an expression without anchors matches
//! anywhere, and an alternation binds more loosely than an anchor.

/// The value of a label (PAT-LABELVAL).
pub const LABEL_VALUE: &str = r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$";

/// A label key: an optional DNS prefix and a name (PAT-QUALNAME).
pub const QUALIFIED_NAME: &str =
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*(\/))?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$";

/// A duration in hours, minutes and seconds (PAT-DUR).
pub const DURATION: &str = r"^([0-9]+(s|m|h))+$";

/// A duration, or `Never` (PAT-DUR-NEVER).
pub const DURATION_OR_NEVER: &str = r"^(([0-9]+(s|m|h))+|Never)$";

/// Number or percentage of nodes in a budget (PAT-BUDGET-NODES).
pub const BUDGET_NODES: &str = r"^((100|[0-9]{1,2})%|[0-9]+)$";

/// How long a budget stays active: no seconds, because schedules have none (PAT-BUDGET-DUR).
pub const BUDGET_DURATION: &str = r"^((([0-9]+(h|m))|([0-9]+h[0-9]+m))(0s)?)$";

/// When a budget becomes active (PAT-CRON). A macro only has to be a prefix, since the alternation binds loosely.
pub const CRON: &str = r"^(@(annually|yearly|monthly|weekly|daily|midnight|hourly))|((.+)\s(.+)\s(.+)\s(.+)\s(.+))$";

/// The reason of a condition (PAT-REASON).
pub const REASON: &str = r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$";

/// The reason of a NodeClaim's condition, which may be empty (PAT-REASON-NC).
pub const REASON_OR_EMPTY: &str = r"^([A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?|)$";

/// The type of a condition (PAT-CONDTYPE).
pub const CONDITION_TYPE: &str =
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$";

/// The group of a node class: a group, not a group and version.
pub const GROUP: &str = r"^[^/]*$";

/// A price: an unsigned decimal number (scheduling 1.4).
pub const PRICE: &str = r"^\d+(\.\d+)?$";

/// A change of price: a signed amount, an increase in percent, or a decrease of at most 100 percent (scheduling 1.4).
pub const PRICE_ADJUSTMENT: &str = r"^([+-]\d*\.?\d+|\+\d*\.?\d+%|-\d{1,2}(\.\d+)?%|-100%)$";

/// The id of a subnet. Not anchored (aws-provider 1.2), nor are the next two.
pub const SUBNET_ID: &str = "subnet-[0-9a-z]+";
/// The id of a security group.
pub const SECURITY_GROUP_ID: &str = "sg-[0-9a-z]+";
/// The id of a machine image.
pub const AMI_ID: &str = "ami-[0-9a-z]+";
/// The id of a capacity reservation.
pub const CAPACITY_RESERVATION_ID: &str = "^cr-[0-9a-z]+$";
/// The id of a placement group.
pub const PLACEMENT_GROUP_ID: &str = "^pg-[0-9a-z]+$";
/// The id of an AWS account.
pub const ACCOUNT_ID: &str = "^[0-9]{12}$";

/// The size of an EBS volume (aws-provider 1.2): 1-59000Gi, 1-64000G, and in tebibytes and terabytes the partial ranges
/// that Karpenter admits: 1-9, two digits of which the second is at most 7, and 58 for Ti; 1-64 for T. A bare unit, which
/// Karpenter's expression lets through and then cannot parse, is refused.
pub const VOLUME_SIZE: &str = r"^((?:[1-9][0-9]{0,3}|[1-4][0-9]{4}|5[0-8][0-9]{3}|59000)Gi|(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-3][0-9]{3}|64000)G|([1-9]|[1-5][0-7]|58)Ti|([1-9]|[1-5][0-9]|6[0-4])T)$";
