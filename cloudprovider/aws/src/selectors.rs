//! Selector terms as queries of the EC2 API: one for each term that goes by tags, and one for all that go by id or name (spec
//! aws-provider 4.2, 6.1, 7). Of a term that names more than one way, which admission lets through beside a proper term, the
//! more exact way counts.

use dovetail_api::ec2_node_class::{
    AmiSelectorTerm, CapacityReservationSelectorTerm, InstanceMatchCriteria, PlacementGroupSelector,
    SecurityGroupSelectorTerm, SubnetSelectorTerm,
};
use std::collections::BTreeMap;

/// A filter of a query: the named property has one of the values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Filter {
    /// The property, in EC2's words.
    pub name: String,
    /// The values.
    pub values: Vec<String>,
}

impl Filter {
    fn new<S: Into<String>>(name: impl Into<String>, values: impl IntoIterator<Item = S>) -> Self {
        Self { name: name.into(), values: values.into_iter().map(Into::into).collect() }
    }
}

/// A query: all filters hold.
pub type Query = Vec<Filter>;

fn tags(tags: &BTreeMap<String, String>) -> Query {
    let filter = |(key, value): (&String, &String)| match value.as_str() {
        "*" => Filter::new("tag-key", [key.clone()]),
        _ => Filter::new(format!("tag:{key}"), [value.clone()]),
    };
    tags.iter().map(filter).collect()
}

fn all_of(name: &str, values: Vec<&String>) -> Option<Query> {
    (!values.is_empty()).then(|| vec![Filter::new(name, values.into_iter().cloned())])
}

/// The queries whose answers together are the class's subnets.
#[must_use]
pub fn subnets(terms: &[SubnetSelectorTerm]) -> Vec<Query> {
    let by_tags = terms.iter().filter(|term| term.id.is_none()).filter_map(|term| term.tags.as_ref()).map(tags);
    let by_id = all_of("subnet-id", terms.iter().filter_map(|term| term.id.as_ref()).collect());
    by_tags.chain(by_id).collect()
}

/// The queries whose answers together are the class's security groups.
#[must_use]
pub fn security_groups(terms: &[SecurityGroupSelectorTerm]) -> Vec<Query> {
    let by_tags = terms.iter().filter(|t| t.id.is_none() && t.name.is_none()).filter_map(|t| t.tags.as_ref()).map(tags);
    let by_id = all_of("group-id", terms.iter().filter_map(|term| term.id.as_ref()).collect());
    let named = terms.iter().filter(|term| term.id.is_none()).filter_map(|term| term.name.as_ref());
    by_tags.chain(by_id).chain(all_of("group-name", named.collect())).collect()
}

/// A query for capacity reservations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReservationQuery {
    /// By id, one each: EC2 refuses a call that names one which does not exist.
    Id(String),
    /// By properties. The state `active` is asked for too.
    Filters(Query),
}

/// The queries whose answers together are the class's capacity reservations.
#[must_use]
pub fn capacity_reservations(terms: &[CapacityReservationSelectorTerm]) -> Vec<ReservationQuery> {
    let criteria = |criteria: InstanceMatchCriteria| match criteria {
        InstanceMatchCriteria::Open => "open",
        InstanceMatchCriteria::Targeted => "targeted",
    };
    let query = |term: &CapacityReservationSelectorTerm| {
        if let Some(id) = &term.id {
            return ReservationQuery::Id(id.clone());
        }
        let mut query = vec![Filter::new("state", ["active"])];
        query.extend(term.owner_id.iter().map(|owner| Filter::new("owner-id", [owner.clone()])));
        query.extend(term.instance_match_criteria.map(|c| Filter::new("instance-match-criteria", [criteria(c)])));
        query.extend(term.tags.iter().flat_map(tags));
        ReservationQuery::Filters(query)
    };
    terms.iter().map(query).collect()
}

/// The query for the class's placement group.
#[must_use]
pub fn placement_group(selector: &PlacementGroupSelector) -> Query {
    let by =
        |name: &str, value: &Option<String>| value.iter().map(|v| Filter::new(name, [v.clone()])).collect::<Vec<_>>();
    let state = vec![Filter::new("state", ["available"])];
    [state, by("group-id", &selector.id), by("group-name", &selector.name)].concat()
}

/// A query for images. The state `available` is asked for too, and deprecated ones are included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageQuery {
    /// The filters.
    pub filters: Query,
    /// Whose images; empty for anybody's.
    pub owners: Vec<String>,
}

/// The queries whose answers together are the class's images, where no alias names them. `parameters` are the images that
/// the SSM parameters of the terms name, by parameter; what is no image is left out.
#[must_use]
pub fn images(terms: &[AmiSelectorTerm], parameters: &BTreeMap<String, String>) -> Vec<ImageQuery> {
    let mut ids: Vec<&String> = Vec::new();
    let mut queries = Vec::new();
    for term in terms {
        if let Some(id) = &term.id {
            ids.push(id);
        } else if let Some(parameter) = &term.ssm_parameter {
            ids.extend(parameters.get(parameter).filter(|value| value.starts_with("ami-")));
        } else {
            let name = term.name.iter().map(|name| Filter::new("name", [name.clone()]));
            queries.push(ImageQuery {
                filters: name.chain(term.tags.iter().flat_map(tags)).chain([available()]).collect(),
                owners: match (&term.owner, &term.name) {
                    (Some(owner), _) => vec![owner.clone()],
                    // Anybody can give an image the name of a well-known one.
                    (None, Some(_)) => vec!["self".to_owned(), "amazon".to_owned()],
                    (None, None) => Vec::new(),
                },
            });
        }
    }
    queries.extend(by_id(ids));
    queries
}

/// The query for images by id.
#[must_use]
pub fn images_by_id<'a>(ids: impl IntoIterator<Item = &'a String>) -> Option<ImageQuery> {
    by_id(ids.into_iter().collect())
}

fn by_id(ids: Vec<&String>) -> Option<ImageQuery> {
    let mut filters = all_of("image-id", ids)?;
    filters.push(available());
    Some(ImageQuery { filters, owners: Vec::new() })
}

fn available() -> Filter {
    Filter::new("state", ["available"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn terms<T: serde::de::DeserializeOwned>(json: Value) -> Vec<T> {
        serde_json::from_value(json).expect("terms")
    }

    fn show(query: &[Filter]) -> String {
        query.iter().map(|f| format!("{}={}", f.name, f.values.join("|"))).collect::<Vec<_>>().join(" ")
    }

    fn shown(queries: &[Query]) -> Vec<String> {
        queries.iter().map(|query| show(query)).collect()
    }

    #[test]
    fn terms_of_tags_are_asked_one_by_one_and_ids_together() {
        let terms = terms(
            json!([{"tags": {"a": "1", "b": "*"}}, {"id": "subnet-1"}, {"tags": {"c": "2"}}, {"id": "subnet-2"}]),
        );
        assert_eq!(shown(&subnets(&terms)), ["tag:a=1 tag-key=b", "tag:c=2", "subnet-id=subnet-1|subnet-2"]);
    }

    #[test]
    fn of_a_term_that_names_two_ways_the_more_exact_one_counts() {
        let subnet = terms(json!([{"id": "subnet-1", "tags": {"a": "1"}}]));
        assert_eq!(shown(&subnets(&subnet)), ["subnet-id=subnet-1"]);
        let groups = terms(json!([{"id": "sg-1", "name": "x", "tags": {"a": "1"}}, {"name": "y", "tags": {"a": "1"}}]));
        assert_eq!(shown(&security_groups(&groups)), ["group-id=sg-1", "group-name=y"]);
    }

    #[test]
    fn reservations_are_asked_for_by_id_one_by_one() {
        let terms = terms(json!([
            {"id": "cr-1"}, {"ownerID": "123456789012", "tags": {"a": "*"}}, {"instanceMatchCriteria": "targeted"}
        ]));
        let queries: Vec<_> = capacity_reservations(&terms)
            .iter()
            .map(|query| match query {
                ReservationQuery::Id(id) => id.clone(),
                ReservationQuery::Filters(query) => show(query),
            })
            .collect();
        let expected =
            ["cr-1", "state=active owner-id=123456789012 tag-key=a", "state=active instance-match-criteria=targeted"];
        assert_eq!(queries, expected);
    }

    #[test]
    fn a_name_without_an_owner_means_one_s_own_and_amazon_s_images() {
        let terms = terms(json!([
            {"name": "al2023-*"}, {"name": "x", "owner": "123456789012"}, {"tags": {"a": "1"}}, {"id": "ami-1"},
            {"ssmParameter": "/good", "tags": {"a": "1"}}, {"ssmParameter": "/bad"}, {"ssmParameter": "/missing"}
        ]));
        let parameters = [("/good", "ami-2"), ("/bad", "i am no image")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let queries = images(&terms, &parameters.into());
        let shown: Vec<_> = queries.iter().map(|q| format!("{} [{}]", show(&q.filters), q.owners.join(" "))).collect();
        assert_eq!(
            shown,
            [
                "name=al2023-* state=available [self amazon]",
                "name=x state=available [123456789012]",
                "tag:a=1 state=available []",
                "image-id=ami-1|ami-2 state=available []",
            ]
        );
        assert_eq!(images_by_id([]), None);
    }

    #[test]
    fn a_placement_group_is_asked_for_by_what_selects_it() {
        let by_name = PlacementGroupSelector { name: Some("a".to_owned()), id: None };
        assert_eq!(show(&placement_group(&by_name)), "state=available group-name=a");
    }
}
