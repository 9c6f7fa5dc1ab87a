//! What a cloud must do for Dovetail, and what can be bought there.
//!
//! The contract of a cloud provider is [`provider::CloudProvider`]; what it sells is an
//! [`InstanceTypeSource`](source::InstanceTypeSource), of which there are two that need no cloud: the embedded
//! [EC2 catalogue](ec2::Catalogue) and [catalogue files](kwok::KwokCatalogue) in the format of the KWOK provider. Nothing
//! here talks to a cloud, reads a clock or knows a pod; the AWS provider proper is a crate of its own.

pub mod ec2;
pub mod errors;
pub mod kwok;
pub mod provider;
pub mod repair;
pub mod source;
