//! Security groups as a class's status lists them (spec aws-provider 1.6, 7): every one that some term selects, by id.

use dovetail_api::ec2_node_class::SecurityGroup;
use std::collections::BTreeMap;

/// The groups, given by id and name, as the status lists them, each once.
#[must_use]
pub fn for_status(found: &[(String, String)]) -> Vec<SecurityGroup> {
    let by_id: BTreeMap<&String, &String> = found.iter().map(|(id, name)| (id, name)).collect();
    let written = |(id, name): (&String, &String)| SecurityGroup {
        id: id.clone(),
        name: Some(name.clone()).filter(|name| !name.is_empty()),
    };
    by_id.into_iter().map(written).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_lists_each_group_once_by_id() {
        let found = [("sg-2", "b"), ("sg-1", ""), ("sg-2", "b")].map(|(id, name)| (id.to_owned(), name.to_owned()));
        let shown: Vec<_> = for_status(&found).into_iter().map(|group| (group.id, group.name)).collect();
        assert_eq!(shown, [("sg-1".to_owned(), None), ("sg-2".to_owned(), Some("b".to_owned()))]);
    }
}
