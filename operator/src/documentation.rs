//! Tables in `docs/` that are made from data: whether the file still says what the data says. Tests alone use it.

use std::path::Path;

const BEGIN: &str = "<!-- made from the source: -->\n";
const END: &str = "<!-- end -->\n";

/// Checks that `docs/<file>` holds `table` between its two marks. With `UPDATE_DOCS=1` in the environment it puts it there.
pub(crate) fn check(file: &str, table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(file);
    let text = std::fs::read_to_string(&path).expect("the document exists");
    let (before, rest) = text.split_once(BEGIN).expect("the document says where the table begins");
    let (written, after) = rest.split_once(END).expect("the document says where the table ends");
    let wanted = format!("{}\n", table.trim_end());
    if written != wanted && std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{wanted}{END}{after}")).expect("the document can be written");
        return;
    }
    assert_eq!(written, wanted, "docs/{file} is out of date: run the test with UPDATE_DOCS=1");
}
