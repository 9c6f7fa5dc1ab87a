//! Files of packings, good and bad.

use super::*;
use proptest::prelude::*;

fn item(weights: &[i64], demand: usize) -> Item {
    Item { weights: weights.to_vec(), demand }
}

fn kind(capacity: &[i64], cost: i64, stock: Option<u32>) -> BinKind {
    BinKind { capacity: capacity.to_vec(), cost, stock }
}

fn refused(result: Result<VectorPacking, FormatError>) -> String {
    result.expect_err("the file is bad").to_string()
}

#[test]
fn one_kind_of_bin() {
    let read = vbp("2\n100 50\n3\n10 5 2\n 20\t7 1\r\n1 1 0\n").expect("a packing");
    assert_eq!(read.kinds, [kind(&[100, 50], 1, None)]);
    assert_eq!(read.items, [item(&[10, 5], 2), item(&[20, 7], 1)], "nobody asks for the last one");
    assert_eq!(read.optimum, None);
}

#[test]
fn numbers_may_stand_in_any_lines_and_comments_between_them() {
    let read = vbp("# twelve items\n# optimum: 4\n1 10 # one dimension\n1\n\n\n3 12").expect("a packing");
    assert_eq!((read.items, read.optimum), (vec![item(&[3], 12)], Some(4)));
}

#[test]
fn kinds_of_bins_with_costs_and_stocks() {
    let text = "2\n\n3\n100 100 100 -1\n50 120 700 2\n150 25 3 99999999999\n\n2\n\n1 3\n50 25\n\n1 1\n0 120\n";
    let read = mvp(text).expect("a packing");
    assert_eq!(read.kinds, [kind(&[100, 100], 100, None), kind(&[50, 120], 700, Some(2)), kind(&[150, 25], 3, None),]);
    assert_eq!(read.items, [item(&[50, 25], 3), item(&[0, 120], 1)]);
}

#[test]
fn an_item_is_packed_in_the_shape_that_makes_the_others_needless() {
    let read = mvp("2 1  10 10 1 -1  2\n 3 1  5 5  4 5  11 1\n 2 1  3 3  3 3").expect("a packing");
    let expected = [item(&[4, 5], 1), item(&[3, 3], 1)];
    assert_eq!(read.items, expected, "(11 1) fits no bin, (5 5) is needless, and equal shapes are one");
}

#[test]
fn a_true_choice_of_shapes_cannot_be_expressed_and_is_named() {
    let text = "2\n1\n10 10 1 -1\n2\n1 1\n1 1\n3 1\n5 2\n2 5\n6 6\n";
    let error = mvp(text).expect_err("a choice");
    assert_eq!(error, FormatError::Shapes { line: 10, item: 2, shapes: 2 });
    assert!(error.to_string().starts_with("line 10: item 2 has 2 shapes of which none is the smallest"), "{error}");
}

#[test]
fn what_vpsolver_writes_around_a_packing_is_understood() {
    let text = "#INSTANCE_BEGIN#\n$INSTANCE{\n1\n1\n 10 1 -1\n1\n1 2\n 5\n};\n$VTYPE{I};\n$CTYPE{>};\n$METHOD{-3};\n\
                $RELAX{0};\n$BINARY{0};\n#INSTANCE_END#\n";
    assert_eq!(mvp(text).expect("a packing").items, [item(&[5], 2)]);
    assert_eq!(vbp("$INSTANCE { 1 10 1 5 2 }").expect("a packing").items, [item(&[5], 2)]);
    let relaxed = text.replace("VTYPE{I}", "VTYPE{C}");
    assert!(refused(mvp(&relaxed)).starts_with("line 10: $VTYPE is \"C\": only packings into whole bins"));
    assert!(refused(mvp(&text.replace("BINARY{0}", "BINARY{1}"))).starts_with("line 14: $BINARY is \"1\""));
    assert!(refused(mvp(&text.replace("};\n$VTYPE", "7};\n$VTYPE"))).starts_with("line 9: \"7\" comes after the last"));
    assert!(refused(vbp("$INSTANCE{1 10 1 5 2")).contains("the } after the last item"));
    assert!(refused(vbp("$INSTANCE{1 10 1 5 2}; $VTYPE{I")).contains("the } of $VTYPE"));
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_what_should_be_there() {
    for (text, expected) in [
        ("", "line 1: the file ends where the number of dimensions should be"),
        ("two\n", "line 1: \"two\" stands where the number of dimensions should be, which is a whole number"),
        ("0\n", "line 1: the number of dimensions is 0: it must be a number from 1 to 1000000"),
        ("1\n10\n2\n5 1\n", "line 4: the file ends where the weight of item 2 in dimension 1 should be"),
        ("1\n10\n1\n5 1\n7\n", "line 5: \"7\" comes after the last item"),
        ("1\n10\n1\n5.5 1\n", "line 4: \"5.5\" stands where the weight of item 1 in dimension 1 should be"),
        ("1\n10\n1\n-5 1\n", "line 4: the weight of item 1 in dimension 1 is -5: it must be a number from 0"),
        ("1\n10\n1\n5 -1\n", "line 4: the demand for item 1 is -1"),
        ("1\n99999999999999999999\n1\n5 1\n", "line 2: the capacity of bins in dimension 1 is 99999999999999999999"),
        ("1\n10\n1\n11 1\n", "line 4: item 1 fits no bin"),
        ("1\n10\n1\n1 999999999999\n", "line 4: there are more than 5000000 items"),
        ("1\n4000000000000000000\n1\n4000000000000000000 2\n", "line 4: in dimension 1 all items together weigh more"),
        ("# optimum soon\n1\n10\n0\n", "line 1: \"soon\" stands where the optimum should be"),
        ("1\n10\n1\n5,1\n", "line 4: \",\" stands where the demand for item 1 should be"),
    ] {
        let error = refused(vbp(text));
        assert!(error.starts_with(expected), "{text:?}: {error}");
    }
    for (text, expected) in [
        ("1\n1\n10 -3 -1\n", "line 3: the cost of bin 1 is -3"),
        ("1\n1\n10 3 -2\n", "line 3: the stock of bin 1 is -2: it must be -1 for any number, or 0 or more"),
        ("1\n1\n10 3 0\n1\n1 1\n5\n", "line 6: item 1 fits no bin"),
        ("1\n1\n10 3 -1\n1\n0 1\n", "line 5: item 1 fits no bin"),
    ] {
        let error = refused(mvp(text));
        assert!(error.starts_with(expected), "{text:?}: {error}");
    }
}

#[test]
fn a_count_that_lies_takes_no_memory() {
    assert!(refused(vbp("1000000\n1 2 3\n")).contains("the capacity of bins in dimension 4"));
    assert!(refused(vbp("1\n10\n4000000000000000000\n1 1\n")).contains("the weight of item 2"));
}

proptest! {
    #[test]
    fn no_text_makes_the_readers_panic(text in "[-0-9a-z#${};,. \n]{0,80}") {
        let _ = (vbp(&text), mvp(&text));
    }

    #[test]
    fn what_is_written_is_read(
        capacity in proptest::collection::vec(10_i64..100, 1..4),
        demands in proptest::collection::vec(1_usize..9, 0..9),
    ) {
        let row = |of: &[i64]| of.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let weights: Vec<i64> = capacity.iter().map(|c| c / 3).collect();
        let lines: Vec<String> = demands.iter().map(|d| format!("{} {d}", row(&weights))).collect();
        let text = format!("{}\n{}\n{}\n{}\n", capacity.len(), row(&capacity), demands.len(), lines.join("\n"));
        let read = vbp(&text).expect("a packing");
        prop_assert_eq!(read.items.iter().map(|i| i.demand).collect::<Vec<_>>(), demands);
        prop_assert!(read.items.iter().all(|i| i.weights == weights));
        prop_assert_eq!(&read.kinds[0].capacity, &capacity);
    }
}
