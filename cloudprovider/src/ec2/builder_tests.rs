//! The tables that AWS publishes, come together: what is kept, what is noted, what is refused.

use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

fn info(name: &str, vcpus: u32) -> InstanceTypeInfo {
    let json = serde_json::json!({
        "InstanceType": name, "VCpuInfo": {"DefaultVCpus": vcpus}, "MemoryInfo": {"SizeInMiB": 4096},
        "ProcessorInfo": {"SupportedArchitectures": ["x86_64"]},
        "NetworkInfo": {"Ipv4AddressesPerInterface": 10, "MaximumNetworkInterfaces": 3},
        "SupportedUsageClasses": ["on-demand", "spot"],
    });
    serde_json::from_value(json).expect("a record")
}

fn offered(list: &[(&str, &str, &[&str])]) -> Offerings {
    let mut out = Offerings::new();
    for (region, name, zones) in list {
        let zones = zones.iter().map(ToString::to_string).collect();
        out.entry((*region).to_owned()).or_default().insert((*name).to_owned(), zones);
    }
    out
}

fn price(region: &str, name: &str, nanodollars: u64) -> PriceRow {
    PriceRow { region: region.into(), instance_type: name.into(), nanodollars }
}

fn spot(name: &str, savings_percent: i16) -> SpotRow {
    SpotRow { region: "us-east-1".into(), instance_type: name.into(), savings_percent }
}

/// Two types in one region, all tables complete.
fn inputs() -> Inputs {
    let limits = |name: &str, trunking| LimitsRow {
        instance_type: name.into(),
        ipv4_per_interface: 10,
        trunking,
        branch_interfaces: 9,
    };
    Inputs {
        instance_types: vec![info("x1.large", 2), info("a1.large", 1)],
        offerings: offered(&[
            ("us-east-1", "x1.large", &["us-east-1b", "us-east-1a"]),
            ("us-east-1", "a1.large", &["us-east-1b"]),
        ]),
        prices: vec![price("us-east-1", "a1.large", 1), price("us-east-1", "x1.large", 2)],
        spot: vec![spot("x1.large", 70)],
        limits: vec![limits("x1.large", true), limits("a1.large", false)],
        bandwidth: vec![BandwidthRow { instance_type: "x1.large".into(), megabits: 750 }],
    }
}

fn notes(inputs: Inputs) -> Vec<Note> {
    build(inputs).expect("a catalogue").1
}

fn refusal(inputs: Inputs) -> String {
    build(inputs).expect_err("contradictory").to_string()
}

#[test]
fn tables_come_together_by_the_type_s_name() {
    let (catalogue, notes) = build(inputs()).expect("a catalogue");
    assert_eq!(notes, []);
    let names: Vec<&str> = catalogue.types().iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["a1.large", "x1.large"]);
    let [a1, x1] = catalogue.types() else { panic!("two types") };
    assert_eq!((a1.network.branch_interfaces, x1.network.branch_interfaces), (0, 9), "without trunking there are none");
    assert_eq!((a1.network_bandwidth_mbps, x1.network_bandwidth_mbps), (None, Some(750)));
    let region = catalogue.region("us-east-1").expect("known");
    assert_eq!(region.zones, ["us-east-1a", "us-east-1b"]);
    assert_eq!(region.offered, [0b10, 0b11]);
    assert_eq!(region.on_demand, [Some(1), Some(2)]);
    assert_eq!(region.spot_savings, [None, Some(70)]);
}

#[test]
fn the_order_of_the_inputs_does_not_matter() {
    let mut turned = inputs();
    turned.instance_types.reverse();
    turned.prices.reverse();
    turned.limits.reverse();
    assert_eq!(build(turned), build(inputs()));
}

#[test]
fn what_one_table_lacks_is_noted() {
    let mut odd = inputs();
    odd.instance_types.push(info("y1.large", 2));
    odd.offerings.entry("us-east-1".into()).or_default().insert("z1.large".into(), vec!["us-east-1a".into()]);
    let mut mac = info("mac2.metal", 8);
    mac.processor_info.supported_architectures = vec!["arm64_mac".into()];
    odd.instance_types.push(mac);
    odd.prices.retain(|p| p.instance_type != "a1.large");
    odd.limits.retain(|l| l.instance_type != "x1.large");
    assert_eq!(
        notes(odd),
        [
            Note::NoNodes("mac2.metal".into(), "its architecture is arm64_mac, neither x86_64 nor arm64".into()),
            Note::NotOffered("y1.large".into()),
            Note::NotDescribed("z1.large".into()),
            Note::NoPrice("a1.large".into()),
            Note::NoLimits("x1.large".into()),
        ]
    );
}

#[test]
fn a_price_of_zero_is_no_price() {
    let mut free = inputs();
    free.prices = vec![price("us-east-1", "a1.large", 0), price("us-east-1", "x1.large", 2)];
    assert_eq!(notes(free), [Note::NoPrice("a1.large".into())]);
}

#[test]
fn a_type_priced_in_us_east_1_has_a_price_in_regions_without_a_list() {
    let mut two = inputs();
    two.offerings.extend(offered(&[("eu-west-1", "x1.large", &["eu-west-1a"])]));
    assert_eq!(notes(two.clone()), []);
    two.prices.push(price("eu-west-1", "a1.large", 5));
    assert_eq!(notes(two), [Note::NoPrice("x1.large".into())], "with a list of its own it must have a price there");
}

#[test]
fn contradictions_are_refused() {
    let mut twice = inputs();
    twice.instance_types.push(info("x1.large", 4));
    assert_eq!(refusal(twice), "instance types: x1.large is described twice and differently");
    let mut repeated = inputs();
    repeated.instance_types.push(info("x1.large", 2));
    assert_eq!(notes(repeated), [], "the same said twice is no contradiction");
    let mut dear = inputs();
    dear.prices.push(price("us-east-1", "x1.large", 3));
    assert_eq!(refusal(dear), "prices: x1.large in us-east-1 is there twice and differs");
    let mut generous = inputs();
    generous.spot = vec![spot("x1.large", 101)];
    assert_eq!(refusal(generous), "spot savings: x1.large in us-east-1 saves 101 %");
    assert_eq!(refusal(Inputs { offerings: Offerings::new(), ..inputs() }), "offerings: there is no region in it");
    let zones: Vec<String> = (0..65).map(|n| format!("us-east-1-{n:02}")).collect();
    let zones: Vec<&str> = zones.iter().map(String::as_str).collect();
    let crowded = Inputs { offerings: offered(&[("us-east-1", "x1.large", &zones)]), ..inputs() };
    assert_eq!(refusal(crowded), "offerings: us-east-1 has 65 zones, the most is 64");
}

#[test]
fn the_last_of_64_zones_still_has_a_bit() {
    let zones: Vec<String> = (0..64).map(|n| format!("us-east-1-{n:02}")).collect();
    let last = zones.last().expect("64 zones").clone();
    let all: Vec<&str> = zones.iter().map(String::as_str).collect();
    let wide = Inputs {
        offerings: offered(&[("us-east-1", "x1.large", &all), ("us-east-1", "a1.large", &[&last])]),
        ..inputs()
    };
    let (catalogue, _) = build(wide).expect("a catalogue");
    assert_eq!(catalogue.region("us-east-1").expect("known").offered, [1 << 63, u64::MAX]);
}

/// The six files in a folder; the first one packed.
fn files(folder: &Path) -> Paths {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("can write");
        path
    };
    let described = r#"[{"InstanceType": "x1.large", "VCpuInfo": {"DefaultVCpus": 2}, "MemoryInfo": {"SizeInMiB": 4096},
        "ProcessorInfo": {"SupportedArchitectures": ["x86_64"]}, "NetworkInfo": {"Ipv4AddressesPerInterface": 10},
        "SupportedUsageClasses": ["on-demand"]}]"#;
    let packed = folder.join("types.json.gz");
    let mut gzip = GzEncoder::new(std::fs::File::create(&packed).expect("can write"), Compression::fast());
    gzip.write_all(described.as_bytes()).and_then(|()| gzip.try_finish()).expect("can write");
    Paths {
        instance_types: packed,
        offerings: write("offerings.json", r#"{"us-east-1": {"x1.large": ["us-east-1a"]}}"#),
        prices: write("prices.csv", "region,instance_type,usd_per_hour\nus-east-1,x1.large,0.1\n"),
        spot: write("spot.csv", "region,instance_type,savings_percent,interruption_bucket\nus-east-1,x1.large,50,0\n"),
        limits: write(
            "limits.csv",
            "instance_type,ipv4_per_interface,trunking,branch_interfaces\nx1.large,10,true,9\n",
        ),
        bandwidth: write("bandwidth.csv", "instance_type,megabits\nx1.large,750\n"),
    }
}

#[test]
fn files_are_read_packed_or_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let (catalogue, notes) = build_from_files(&files(folder.path())).expect("a catalogue");
    assert_eq!(notes, []);
    assert_eq!(catalogue.region("us-east-1").expect("known").on_demand, [Some(100_000_000)]);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let paths = files(folder.path());
    let refusal = |paths: &Paths| build_from_files(paths).expect_err("unreadable").to_string();
    let missing = Paths { spot: folder.path().join("nowhere.csv"), ..paths.clone() };
    assert!(refusal(&missing).contains("nowhere.csv: "), "{}", refusal(&missing));
    std::fs::write(&paths.prices, "region,instance_type,usd_per_hour\nus-east-1,x1.large,cheap\n").expect("can write");
    let text = refusal(&paths);
    assert!(text.contains("prices.csv: ") && text.contains("line: 2"), "{text}");
    std::fs::write(&paths.instance_types, [0x1f, 0x8b, 0, 0]).expect("can write");
    assert!(refusal(&paths).contains("types.json.gz: "));
}
