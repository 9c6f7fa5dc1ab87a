//! Small liberties that the API server takes with a manifest and the typed objects do not: quantities written as numbers,
//! and labels or annotations without a value. What the fields mean is not known here.

use serde_json::Value;

/// Fields whose members are quantities.
const QUANTITIES: [&str; 13] = [
    "requests",
    "limits",
    "overhead",
    "podFixed",
    "capacity",
    "allocatable",
    "allocatedResources",
    "default",
    "defaultRequest",
    "max",
    "min",
    "maxLimitRequestRatio",
    "hard",
];

/// Fields that are quantities themselves.
const QUANTITY: [&str; 2] = ["sizeLimit", "divisor"];

/// Fields whose members are strings; none counts as empty there.
const STRINGS: [&str; 4] = ["labels", "annotations", "nodeSelector", "matchLabels"];

/// Writes a value as the typed objects want it.
pub(crate) fn tidy(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let name = name.as_str();
                if QUANTITY.contains(&name) {
                    write_number(field);
                } else if let Value::Object(members) = field {
                    if QUANTITIES.contains(&name) {
                        // A CSINode's `allocatable` counts volumes; no resource has such a name.
                        members.iter_mut().filter(|(member, _)| *member != "count").for_each(|(_, v)| write_number(v));
                        tidy(field); // a RuntimeClass' overhead has its quantities one level below
                    } else if STRINGS.contains(&name) {
                        members.values_mut().filter(|v| v.is_null()).for_each(|v| *v = Value::String(String::new()));
                    } else {
                        tidy(field);
                    }
                } else {
                    tidy(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

fn write_number(value: &mut Value) {
    if let Value::Number(number) = value {
        *value = Value::String(match number.as_f64() {
            // A whole number in the notation of fractions, as 1e3 is read, is written as Go does.
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e21 => format!("{float:.0}"),
            _ => number.to_string(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_overhead_of_a_runtime_may_be_numbers() {
        let mut value = json!({"overhead": {"podFixed": {"cpu": 1}}});
        tidy(&mut value);
        assert_eq!(value, json!({"overhead": {"podFixed": {"cpu": "1"}}}));
    }

    #[test]
    fn the_count_of_a_csi_node_stays_a_number() {
        let mut value = json!({"spec": {"drivers": [{"name": "ebs.csi.aws.com", "allocatable": {"count": 25}}]}});
        let before = value.clone();
        tidy(&mut value);
        assert_eq!(value, before);
    }

    #[test]
    fn quantities_may_be_numbers() {
        let mut pod = json!({"spec": {"containers": [{"resources": {"requests": {"cpu": 2, "memory": 1e9, "x": 0.5}}}],
            "volumes": [{"emptyDir": {"sizeLimit": 1024}}], "overhead": {"cpu": "250m"}, "priority": 5}});
        tidy(&mut pod);
        let expected = json!({"spec": {"containers": [{"resources": {"requests": {"cpu": "2", "memory": "1000000000",
            "x": "0.5"}}}], "volumes": [{"emptyDir": {"sizeLimit": "1024"}}], "overhead": {"cpu": "250m"}, "priority": 5}});
        assert_eq!(pod, expected);
    }

    #[test]
    fn a_label_without_a_value_is_empty_and_one_that_is_no_string_stays_wrong() {
        let mut pod = json!({"metadata": {"labels": {"a": null, "b": "x", "c": 1}, "annotations": null}});
        tidy(&mut pod);
        assert_eq!(pod, json!({"metadata": {"labels": {"a": "", "b": "x", "c": 1}, "annotations": null}}));
    }
}
