//! Columns of words and numbers, as tables for people show them. What stands in them is not known here.

use std::fmt::{self, Write as _};

use anstyle::Style;
use comfy_table::{Cell, CellAlignment, Table, presets};

const BOLD: Style = Style::new().bold();

/// A table without lines, under a header.
pub(crate) fn plain_table(header: Vec<Cell>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    table
}

/// Writes a table, its header in bold.
///
/// # Errors
/// When there is nowhere left to write to.
pub(crate) fn write_table(out: &mut String, table: &Table) -> fmt::Result {
    for (number, line) in table.lines().enumerate() {
        // The library pads each cell on both sides; the left margin and the right one say nothing.
        let line = line.strip_prefix(' ').unwrap_or(&line).trim_end();
        if number == 0 {
            writeln!(out, "{BOLD}{line}{BOLD:#}")?;
        } else {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// A cell of words.
pub(crate) fn left(value: impl ToString) -> Cell {
    Cell::new(value.to_string())
}

/// A cell with a number.
pub(crate) fn right(value: impl ToString) -> Cell {
    Cell::new(value.to_string()).set_alignment(CellAlignment::Right)
}
