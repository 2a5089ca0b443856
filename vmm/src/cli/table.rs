//! Tables of numbers in a terminal.

use comfy_table::{CellAlignment, Table, presets};

/// A table without lines, whose first columns are so many numbers.
pub(super) fn table(columns: &[&str], numbers: usize) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(columns);
    for column in table.column_iter_mut().take(numbers) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
