//! Pieces of schema that several kinds share and that their Rust types cannot say: conditions, maps of quantities, open
//! objects. It does not know which kinds use them.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::patterns;
use crate::quantity::Quantity;

/// A map from resource name to quantity.
pub(crate) fn quantities(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "additionalProperties": Quantity::json_schema(generator) })
}

/// The size of an EBS volume: a quantity, but only as a string.
pub(crate) fn volume_size(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": patterns::VOLUME_SIZE })
}

/// An object whose fields the API server neither checks nor drops.
pub(crate) fn open_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}

/// Status conditions, of which there is one a type.
pub(crate) fn conditions(_: &mut SchemaGenerator) -> Schema {
    condition_list(
        &json_schema!({ "type": "string", "minLength": 1, "maxLength": 1024, "pattern": patterns::REASON }),
        &["lastTransitionTime", "message", "reason", "status", "type"],
    )
}

/// Status conditions of a NodeClaim, whose reason and message may be empty or missing.
pub(crate) fn node_claim_conditions(_: &mut SchemaGenerator) -> Schema {
    condition_list(
        &json_schema!({ "type": "string", "maxLength": 1024, "pattern": patterns::REASON_OR_EMPTY }),
        &["lastTransitionTime", "status", "type"],
    )
}

fn condition_list(reason: &Schema, required: &[&str]) -> Schema {
    json_schema!({
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": required,
            "properties": {
                "type": {
                    "type": "string",
                    "maxLength": 316,
                    "pattern": patterns::CONDITION_TYPE,
                    "description": "What the condition is about.",
                },
                "status": {
                    "type": "string",
                    "enum": ["True", "False", "Unknown"],
                    "description": "Whether it holds: True, False or Unknown.",
                },
                "reason": reason,
                "message": {
                    "type": "string",
                    "maxLength": 32768,
                    "description": "Why it holds or does not, for people.",
                },
                "lastTransitionTime": {
                    "type": "string",
                    "format": "date-time",
                    "description": "When the status last changed.",
                },
                "observedGeneration": {
                    "type": "integer",
                    "format": "int64",
                    "minimum": 0,
                    "description": "The generation of the object that the condition was set for.",
                },
            },
        },
    })
}

/// The requirements of a machine image. The controller writes them, so nothing restricts their keys.
pub(crate) fn ami_requirements(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["key", "operator"],
            "properties": {
                "key": { "type": "string", "description": "The label key that the requirement applies to." },
                "operator": { "type": "string", "description": "How the label relates to the values." },
                "values": {
                    "type": "array",
                    "items": { "type": "string" },
                    "x-kubernetes-list-type": "atomic",
                    "description": "The values.",
                },
            },
        },
    })
}
