//! Columns of text that line up, colours or not.

use std::fmt;

/// Rows of cells; the first row may be a heading. Columns are as wide as their widest cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<usize>,
    indent: usize,
}

impl Table {
    /// A table that starts `indent` characters from the left, with the columns `right` aligned to the right.
    pub fn new(indent: usize, right: &[usize]) -> Self {
        Self {
            rows: Vec::new(),
            right: right.to_vec(),
            indent,
        }
    }

    /// Adds a row.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }
}

/// Characters that take room: colours do not.
fn width(cell: &str) -> usize {
    anstream::adapter::strip_str(cell)
        .to_string()
        .chars()
        .count()
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widest = |column: usize| {
            self.rows
                .iter()
                .filter_map(|it| it.get(column))
                .map(|it| width(it))
                .max()
        };
        let widths: Vec<usize> = (0..n_columns).map(|it| widest(it).unwrap_or(0)).collect();
        for row in &self.rows {
            let mut line = " ".repeat(self.indent);
            for (column, cell) in row.iter().enumerate() {
                let gap = " ".repeat(widths[column] - width(cell));
                let (before, after) = if self.right.contains(&column) {
                    (gap.as_str(), "")
                } else {
                    ("", gap.as_str())
                };
                line.push_str(if column == 0 { "" } else { "  " });
                line.push_str(before);
                line.push_str(cell);
                line.push_str(after);
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_their_colour() {
        let mut table = Table::new(2, &[1]);
        table.row(["metric", "train"]);
        table.row([
            crate::style::paint(crate::style::GOOD, "mae"),
            "7.5".to_owned(),
        ]);
        let plain = anstream::adapter::strip_str(&table.to_string()).to_string();
        assert_eq!(plain, "  metric  train\n  mae       7.5\n");
    }
}
