//! JSON text as Go's `encoding/json` writes it, keys sorted: hashes are made over that text, and it differs from other
//! writers' in what it escapes and in how it prints fractions.

use serde_json::{Map, Number, Value};

/// The text of an object.
pub(super) fn object(object: &Map<String, Value>) -> String {
    let mut out = String::new();
    write_object(&mut out, object);
    out
}

fn write_object(out: &mut String, object: &Map<String, Value>) {
    // Sorted here, since the order of a `Map` depends on a feature that any dependency may switch on.
    let mut entries: Vec<_> = object.iter().collect();
    entries.sort_unstable_by_key(|&(key, _)| key);
    out.push('{');
    for (i, (key, value)) in entries.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_string(out, key);
        out.push(':');
        write_value(out, value);
    }
    out.push('}');
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_string(out, text),
        Value::Array(elements) => {
            out.push('[');
            for (i, element) in elements.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_value(out, element);
            }
            out.push(']');
        }
        Value::Object(object) => write_object(out, object),
    }
}

/// Control characters, and those that mean something in HTML or end a line in JavaScript, are escaped.
fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..'\u{20}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// Whole numbers have no fraction; very large and very small ones have an exponent of at least one digit.
fn write_number(out: &mut String, number: &Number) {
    match number.as_f64() {
        Some(value) if number.is_f64() => {
            let magnitude = value.abs();
            if value == 0.0 || (1e-6..1e21).contains(&magnitude) {
                out.push_str(&value.to_string());
            } else {
                let text = format!("{value:e}");
                match text.split_once('e') {
                    Some((mantissa, exponent)) if !exponent.starts_with('-') => {
                        out.push_str(&format!("{mantissa}e+{exponent}"));
                    }
                    _ => out.push_str(&text),
                }
            }
        }
        _ => out.push_str(&number.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_go_writes() {
        let value = serde_json::json!({
            "maxPods": "vcpus > 4 && max_pods < 110 ? 58 : 29",
            "b": {"z": [1, -2, 1.0, 0.5, 1e21, 1.5e-7, 1e20], "a": null, "é": true},
            "a": "tab\t\"quote\" \\ \u{1}\u{2028}\u{8}",
        });
        let Value::Object(map) = value else { panic!("an object") };
        assert_eq!(
            object(&map),
            "{\"a\":\"tab\\t\\\"quote\\\" \\\\ \\u0001\\u2028\\b\",\
             \"b\":{\"a\":null,\"z\":[1,-2,1,0.5,1e+21,1.5e-7,100000000000000000000],\"é\":true},\
             \"maxPods\":\"vcpus \\u003e 4 \\u0026\\u0026 max_pods \\u003c 110 ? 58 : 29\"}"
        );
    }
}
