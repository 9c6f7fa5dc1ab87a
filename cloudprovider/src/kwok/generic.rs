//! The instance types that the KWOK provider sells when no file is named: three families of made-up machines in twelve sizes,
//! for two architectures and two systems, in four zones. What a file of types means is decided where files are read; this is
//! one, written by rule.

use serde_json::{Value, json};

/// Families by the memory that they have for each core, in GiB.
const FAMILIES: [(&str, u64); 3] = [("c", 2), ("s", 4), ("m", 8)];
/// Cores.
const SIZES: [u64; 12] = [1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256];
const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];
const SYSTEMS: [&str; 2] = ["linux", "windows"];
const ZONES: [&str; 4] = ["test-zone-a", "test-zone-b", "test-zone-c", "test-zone-d"];
/// Dollars per hour for a core, and for a billion bytes of memory.
const PRICE: (f64, f64) = (0.025, 0.001);
/// What spot costs of the price on demand.
const SPOT: f64 = 0.7;
/// Pods for each core, and at most.
const PODS: (u64, u64) = (16, 1024);

/// The list as a catalogue file says it.
#[must_use]
pub fn list() -> String {
    let mut types = Vec::new();
    for cores in SIZES {
        for (family, gibibytes_per_core) in FAMILIES {
            for system in SYSTEMS {
                for architecture in ARCHITECTURES {
                    types.push(instance_type(cores, (family, gibibytes_per_core), architecture, system));
                }
            }
        }
    }
    Value::from(types).to_string()
}

fn instance_type(cores: u64, (family, gibibytes_per_core): (&str, u64), architecture: &str, system: &str) -> Value {
    let gibibytes = cores * gibibytes_per_core;
    let price = PRICE.0 * cores as f64 + PRICE.1 * (gibibytes << 30) as f64 / 1e9;
    let offerings = ZONES.iter().flat_map(|zone| {
        [("spot", price * SPOT), ("on-demand", price)].map(|(capacity_type, price)| {
            let exactly = |key: &str, value: &str| json!({ "key": key, "operator": "In", "values": [value] });
            json!({
                "Price": price,
                "Available": true,
                "Requirements": [
                    exactly("karpenter.sh/capacity-type", capacity_type),
                    exactly("topology.kubernetes.io/zone", zone),
                ],
            })
        })
    });
    json!({
        "name": format!("{family}-{cores}x-{architecture}-{system}"),
        "architecture": architecture,
        "operatingSystems": [system],
        "resources": {
            "cpu": cores.to_string(),
            "memory": format!("{gibibytes}Gi"),
            "ephemeral-storage": "20Gi",
            "pods": (cores * PODS.0).min(PODS.1).to_string(),
        },
        "offerings": offerings.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use crate::kwok;
    use dovetail_api::labels::resources;

    #[test]
    fn the_list_is_a_catalogue_with_the_types_that_karpenters_suites_expect() {
        let catalogue = kwok::read(&super::list()).expect("the list is a catalogue");
        assert_eq!(catalogue.types.len(), 144);
        let named = |name: &str| {
            catalogue.types.iter().find(|t| &*t.name == name).unwrap_or_else(|| panic!("there is no {name}"))
        };
        // The prices are those of Karpenter's own file.
        for (name, cores, gibibytes, pods, on_demand, spot) in [
            ("c-1x-amd64-linux", 1, 2, 16, 0.027_147_483_648, 0.019_003_238_553_6),
            ("m-2x-arm64-windows", 2, 16, 32, 0.067_179_869_184, 0.047_025_908_428_8),
            ("s-256x-amd64-linux", 256, 1024, 1024, 7.499_511_627_776, 5.249_658_139_443_2),
        ] {
            let found = named(name);
            assert_eq!(found.capacity.get(resources::CPU), cores * 1000, "{name}");
            assert_eq!(found.capacity.get(resources::MEMORY), gibibytes << 30, "{name}");
            assert_eq!(found.capacity.get(resources::PODS), pods, "{name}");
            assert_eq!(found.offerings.len(), 8, "{name}");
            let prices: Vec<f64> = found.offerings.iter().map(|o| o.price.dollars()).collect();
            assert!(prices.iter().any(|price| (price - on_demand).abs() < 1e-6), "{name}: {prices:?}");
            assert!(prices.iter().any(|price| (price - spot).abs() < 1e-6), "{name}: {prices:?}");
        }
    }
}
