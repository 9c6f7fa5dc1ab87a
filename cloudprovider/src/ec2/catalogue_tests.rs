//! The catalogue that comes with the program: whole, small, and the same every time.

use super::*;
use crate::ec2::testing::{catalogue, request};

#[test]
fn the_embedded_catalogue_is_small_and_whole() {
    assert!(EMBEDDED.len() < 400_000, "{} bytes: the catalogue must not swell the program", EMBEDDED.len());
    assert!(catalogue().types().len() > 1300);
    let regions: Vec<&str> = catalogue().regions().collect();
    assert_eq!(regions, ["ap-southeast-2", "eu-central-1", "eu-west-1", "us-east-1", "us-west-2"]);
    assert!(catalogue().types().is_sorted_by(|a, b| a.name < b.name), "in order and each once");
}

#[test]
fn the_embedded_file_is_what_this_version_writes() {
    let again = Catalogue::decode(&catalogue().encode().expect("it fits")).expect("sound");
    assert_eq!(&again, catalogue());
}

#[test]
fn an_unknown_region_is_answered_with_those_that_are_known() {
    let nowhere = Ec2Request { region: "mars-north-1".into(), ..request() };
    let text = catalogue().instance_types(&nowhere).expect_err("not on offer").to_string();
    assert_eq!(
        text,
        "the EC2 catalogue does not know the region \"mars-north-1\": use one of ap-southeast-2, eu-central-1, eu-west-1, \
         us-east-1, us-west-2, or build a catalogue with it"
    );
}

#[test]
fn the_same_request_gives_the_same_types_in_the_order_of_their_names() {
    let types = catalogue().instance_types(&request()).expect("known");
    assert!(types.is_sorted_by(|a, b| a.name < b.name));
    assert_eq!(types, catalogue().instance_types(&request()).expect("known"));
}

#[test]
fn a_region_sells_only_what_it_has() {
    let names = |region: &str| -> Vec<String> {
        let here = Ec2Request { region: region.into(), ..request() };
        catalogue().instance_types(&here).expect("known").iter().map(|t| t.name.to_string()).collect()
    };
    assert!(names("us-west-2").contains(&"dl2q.24xlarge".to_owned()));
    assert!(!names("us-east-1").contains(&"dl2q.24xlarge".to_owned()));
    assert!(!names("us-east-1").iter().any(|n| n.starts_with("mac")), "no node runs on a Mac");
}

#[test]
fn every_type_can_hold_something_and_almost_every_one_can_be_bought() {
    let types = catalogue().instance_types(&request()).expect("known");
    for t in &types {
        let room = t.allocatable();
        assert!(["cpu", "memory", "ephemeral-storage", "pods"].iter().all(|r| room.has(r)), "{}", t.name);
        assert!(room.get("cpu") > 0 && room.get("pods") > 0, "{}: {room}", t.name);
    }
    let sold = types.iter().filter(|t| t.offerings.iter().any(|o| o.launchable())).count();
    assert!(sold * 100 > types.len() * 95, "{sold} of {} types can be bought", types.len());
}
