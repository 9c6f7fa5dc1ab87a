//! EC2NodeClass.
