//! A line in braille: each character is two dots wide and four high, so a curve of a thousand rounds fits a terminal.
//!
//! Invariant: a chart is never wider than it is told to be; values that are not finite leave a gap.
//!
//! Source: Unicode, "Braille Patterns": U+2800 and a bit for each dot.

use std::fmt;

use crate::style::{FAINT, STRONG, paint};
use crate::units;

/// Lines of a chart, without its heading and its axis.
const HEIGHT: usize = 8;
/// The least room for the curve; a terminal that is narrower gets it all the same.
const MIN_COLUMNS: usize = 8;
/// The bits of the dots, by column and row from the top.
const DOTS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// The values of a metric over the rounds.
#[derive(Clone, Debug)]
pub struct Chart<'a> {
    /// What it shows: `validation:rmse`.
    pub name: &'a str,
    /// Round and value, by round.
    pub points: Vec<(u64, f64)>,
    /// Characters in a line.
    pub width: usize,
}

/// Dots in a grid of braille characters.
struct Canvas {
    columns: usize,
    cells: Vec<u8>,
}

impl Canvas {
    fn new(columns: usize) -> Self {
        Self {
            columns,
            cells: vec![0; columns * HEIGHT],
        }
    }

    fn dot(&mut self, x: usize, y: usize) {
        let cell = y / 4 * self.columns + x / 2;
        if let Some(cell) = self.cells.get_mut(cell) {
            *cell |= DOTS[x % 2][y % 4];
        }
    }

    /// A dot in every column from `a` to `b`, and as many above each other as the slope needs.
    fn line(&mut self, a: (usize, usize), b: (usize, usize)) {
        let (dx, dy) = (b.0.abs_diff(a.0), b.1.abs_diff(a.1));
        let n_steps = dx.max(dy);
        for step in 0..=n_steps {
            let share = step as f64 / n_steps.max(1) as f64;
            let between =
                |from: usize, to: usize| (from as f64 + (to as f64 - from as f64) * share).round();
            self.dot(between(a.0, b.0) as usize, between(a.1, b.1) as usize);
        }
    }

    fn row(&self, row: usize) -> String {
        self.cells[row * self.columns..][..self.columns]
            .iter()
            .map(|bits| char::from_u32(0x2800 + u32::from(*bits)).unwrap_or(' '))
            .collect()
    }
}

impl Chart<'_> {
    /// Smallest and largest value, and the values that can be drawn.
    fn range(&self) -> Option<(f64, f64)> {
        let finite = self
            .points
            .iter()
            .map(|it| it.1)
            .filter(|it| it.is_finite());
        finite.fold(None, |range, it| match range {
            None => Some((it, it)),
            Some((low, high)) => Some((it.min(low), it.max(high))),
        })
    }

    fn draw(&self, columns: usize, (low, high): (f64, f64)) -> Canvas {
        let mut canvas = Canvas::new(columns);
        let first = self.points.first().map_or(0, |it| it.0);
        let last = self.points.last().map_or(0, |it| it.0);
        let n_rounds = (last - first).max(1) as f64;
        let span = if high > low { high - low } else { 1.0 };
        let place = |(round, value): (u64, f64)| {
            let x = (round - first) as f64 / n_rounds * (2 * columns - 1) as f64;
            let y = (high - value) / span * (4 * HEIGHT - 1) as f64;
            (x.round() as usize, y.round() as usize)
        };
        let mut before = None;
        for point in &self.points {
            let here = point.1.is_finite().then(|| place(*point));
            if let Some(here) = here {
                canvas.line(before.unwrap_or(here), here);
            }
            before = here;
        }
        canvas
    }
}

impl fmt::Display for Chart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(range), Some(last)) = (self.range(), self.points.last()) else {
            return writeln!(f, "{}  no value that is a number", paint(STRONG, self.name));
        };
        writeln!(
            f,
            "{}  {} in round {}",
            paint(STRONG, self.name),
            units::metric(last.1),
            last.0
        )?;
        let (low, high) = (units::metric(range.0), units::metric(range.1));
        let label_width = low.chars().count().max(high.chars().count());
        let columns = self.width.saturating_sub(label_width + 1).max(MIN_COLUMNS);
        let canvas = self.draw(columns, range);
        for row in 0..HEIGHT {
            let label = match row {
                0 => high.as_str(),
                _ if row + 1 == HEIGHT => low.as_str(),
                _ => "",
            };
            let label = paint(FAINT, format_args!("{label:>label_width$}"));
            writeln!(f, "{label} {}", canvas.row(row))?;
        }
        let first = self.points.first().map_or(0, |it| it.0).to_string();
        let rounds = format!("{first}{:>1$}", last.0, columns.saturating_sub(first.len()));
        writeln!(f, "{:label_width$} {}", "", paint(FAINT, rounds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(points: &[(u64, f64)], width: usize) -> String {
        let chart = Chart {
            name: "train:rmse",
            points: points.to_vec(),
            width,
        };
        anstream::adapter::strip_str(&chart.to_string()).to_string()
    }

    #[test]
    fn a_falling_curve_goes_from_the_upper_left_to_the_lower_right() {
        let points: Vec<(u64, f64)> = (0..=15).map(|it| (it, 15.0 - it as f64)).collect();
        let text = text(&points, 15);
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows[0], "train:rmse  0.0000 in round 15");
        assert_eq!(rows[1], "15.000 ⠱⡀⠀⠀⠀⠀⠀⠀");
        assert_eq!(rows[8], "0.0000 ⠀⠀⠀⠀⠀⠀⠀⢣");
        assert_eq!(rows[9], "       0     15");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let points: Vec<(u64, f64)> = (0..1000).map(|it| (it, (it as f64).sin())).collect();
        for width in [20, 80, 211] {
            let text = text(&points, width);
            let widest = text.lines().skip(1).map(|it| it.chars().count()).max();
            assert_eq!(widest, Some(width));
        }
    }

    #[test]
    fn what_is_not_a_number_is_a_gap_and_one_value_is_a_dot() {
        assert!(text(&[(0, f64::NAN)], 40).contains("no value that is a number"));
        let flat = text(&[(7, 2.0)], 40);
        let n_dots: u32 = flat
            .chars()
            .filter(|it| ('\u{2800}'..='\u{28ff}').contains(it))
            .map(|it| (u32::from(it) - 0x2800).count_ones())
            .sum();
        assert_eq!(n_dots, 1, "{flat}");
        let gap = text(&[(0, 1.0), (1, f64::INFINITY), (2, 1.0)], 40);
        assert!(gap.lines().nth(1).unwrap().contains('\u{2800}'), "{gap}");
    }
}
